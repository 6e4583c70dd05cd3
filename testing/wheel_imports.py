"""What the source of a module imports, also where that is done only when it is needed."""

import ast
from collections.abc import Iterator

_IMPORTERS = ("import_module", "__import__")
_GUARDS = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")


def imports(source: str, package: str, forgiven: bool = False) -> Iterator[str]:
    """
    The modules that a source imports, by their whole names; `package` is the one that it is in.

    For ``from a import b`` that is "a.b", too, which may be a module. What is only for type
    checkers is left out and, unless `forgiven`, what the module can do without.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return  # Whoever imports the module is told.
    yield from _of(tree, package, forgiven)


def _of(node: ast.AST, package: str, forgiven: bool) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.rsplit(".", node.level - 1)[0] if node.level else ""
        whole = ".".join(filter(None, (above, node.module)))
        yield whole
        yield from (f"{whole}.{alias.name}" for alias in node.names if alias.name != "*")
    elif isinstance(node, ast.Call):
        yield from _named(node)
    for child in _needed(node, forgiven):
        yield from _of(child, package, forgiven)


def _named(call: ast.Call) -> Iterator[str]:
    """What `importlib.import_module` and `__import__` are told to import, in plain text."""
    if ast.unparse(call.func).rpartition(".")[2] in _IMPORTERS and call.args:
        (first, *_) = call.args
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield from () if first.value.startswith(".") else (first.value,)


def _needed(node: ast.AST, forgiven: bool) -> list[ast.AST]:
    """The children of a node that count."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return [*node.orelse]
    if isinstance(node, ast.Try) and not forgiven and any(map(_forgives, node.handlers)):
        return [*node.handlers, *node.orelse, *node.finalbody]
    return list(ast.iter_child_nodes(node))


def _forgives(handler: ast.ExceptHandler) -> bool:
    """Whether a module that cannot be imported is no problem."""
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(each).rpartition(".")[2] in _GUARDS for each in caught)
