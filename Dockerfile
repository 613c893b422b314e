# syntax=docker/dockerfile:1
# One image with two commands: `epimetheus serve` and `epimetheus-exporter`.

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/epimetheus
ENV PATH=/opt/epimetheus/bin:$PATH
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY runtime runtime
COPY models models
COPY exporter exporter
COPY bridge bridge
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --constraint constraints.txt .

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="Epimetheus" \
      org.opencontainers.image.description="The long memory of Prometheus: exact rollups and error events in plain SQL." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 epimetheus \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home \
       --shell /usr/sbin/nologin epimetheus \
    && install --directory --owner=10001 --group=10001 --mode=0750 /data
COPY --from=build /opt/epimetheus /opt/epimetheus
# HEALTH_URL is what the health check asks; a container of the exporter sets
# http://127.0.0.1:9105/-/healthy.
ENV PATH=/opt/epimetheus/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HEALTH_URL=http://127.0.0.1:9106/-/healthy
USER 10001:10001
# Defaults in config.yaml are relative: ./config.yaml, data/epimetheus.db.
WORKDIR /
VOLUME ["/data"]
EXPOSE 9105 9106
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HEALTH_URL'], timeout=4)"]
CMD ["epimetheus", "serve"]
