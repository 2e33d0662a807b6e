"""The edge's configuration: what may be set (one module a section), and how one YAML file becomes it."""
