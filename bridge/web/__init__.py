"""The status page: what a person sees of the bridge in a browser."""
