"""The HTTP API: one blueprint per noun, each thin over `bridge.answers`."""
