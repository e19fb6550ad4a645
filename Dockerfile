# The image of jcsync: "jcsync run" as user 10001, nothing to build with inside.
#
#   docker build -t jcsync .                      or deploy/build-image.sh, also without docker
#   docker run -v jcsync:/var/lib/jcsync -v ./jcsync.yaml:/etc/jcsync/jcsync.yaml:ro jcsync
#
# BASE is any image with python3 (3.11 or newer) and its venv module. Pin it by digest where builds
# must be repeatable: --build-arg BASE=docker.io/library/python:3.11-slim-bookworm@sha256:…
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG EXTRAS=postgres,otel
WORKDIR /src
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY jcsync ./jcsync
# Two environments: one to build with, which stays behind, and one without even pip, which is kept.
RUN python3 -m venv /build \
    && /build/bin/pip wheel --quiet --no-cache-dir --no-deps --wheel-dir /dist . \
    && python3 -m venv --without-pip /opt/jcsync \
    && /build/bin/pip --python /opt/jcsync/bin/python install --quiet --no-cache-dir \
        "$(echo /dist/jcsync-*.whl)[${EXTRAS}]"

FROM ${BASE}
ARG VERSION=unknown
LABEL org.opencontainers.image.title="jcsync" \
      org.opencontainers.image.description="Keeps a SCIM 2.0 platform's users and groups in step with JumpCloud" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# The store: $XDG_STATE_HOME/jcsync. Numbers, because runAsNonRoot cannot look a name up.
RUN install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/jcsync
COPY --from=build /opt/jcsync /opt/jcsync
ENV PATH=/opt/jcsync/bin:$PATH \
    HOME=/var/lib/jcsync \
    XDG_STATE_HOME=/var/lib \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/jcsync
VOLUME /var/lib/jcsync
EXPOSE 8642
STOPSIGNAL SIGTERM
# http.client and not urllib: a proxy in the environment is none of the health check's business.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8642, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["jcsync"]
CMD ["run"]
