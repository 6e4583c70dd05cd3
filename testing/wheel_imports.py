"""What the source of a module imports, also where that is done only when it is needed."""

import ast
from collections.abc import Iterator

_GUARDS = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")


def imports(source: str, package: str) -> Iterator[str]:
    """
    The modules that a source imports, by their whole names; `package` is the one that it is in.

    For ``from a import b`` that is "a.b", too, which may be a module. What is only for type
    checkers, and what the module can do without, is left out.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return  # Whoever imports the module is told.
    yield from _of(tree, package)


def _of(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.rsplit(".", node.level - 1)[0] if node.level else ""
        whole = ".".join(filter(None, (above, node.module)))
        yield whole
        yield from (f"{whole}.{alias.name}" for alias in node.names if alias.name != "*")
    for child in _needed(node):
        yield from _of(child, package)


def _needed(node: ast.AST) -> list[ast.AST]:
    """The children of a node that count."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return [*node.orelse]
    if isinstance(node, ast.Try) and any(map(_forgives, node.handlers)):
        return [*node.handlers, *node.orelse, *node.finalbody]
    return list(ast.iter_child_nodes(node))


def _forgives(handler: ast.ExceptHandler) -> bool:
    """Whether a module that cannot be imported is no problem."""
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(each).rpartition(".")[2] in _GUARDS for each in caught)
