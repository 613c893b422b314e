"""What makes an exporter an agent of a bridge: its plan, its spool, its reports."""
