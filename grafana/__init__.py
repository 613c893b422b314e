"""Dashboards and rules: what people see of the two programs in Grafana."""
