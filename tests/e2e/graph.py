"""What the tests do to the graph on ComfyUI's page, in its own language."""

#: Adds a node of a type at a place, with these values, and returns its id. The choice of a provider
#: comes first, because it makes widgets.
ADD = """([type, position, values]) => {
    const node = LiteGraph.createNode(type);
    app.graph.add(node);
    node.pos = position;
    for (const [name, value] of Object.entries(values)) {
        const widget = node.widgets.find((each) => each.name === name);
        widget.value = value;
        widget.callback?.(value);
    }
    app.graph.setDirtyCanvas(true, true);
    return node.id;
}"""
