"""What both programs say of probing: destinations, jobs, probes, and when they are due.

The bridge keeps and edits these, the exporter carries them out; this is the language in
which they meet.
"""
