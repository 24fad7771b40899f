# Build:  docker build -t dgdo-geo .
# Start:  docker run --rm -p 8501:8501 -v dgdo-geo:/data dgdo-geo
#
# tests/test_packaging.py replays the steps below without an engine: keep the
# environment in /opt/dgdo-geo and the sources in /src.

FROM python:3.12-slim-bookworm AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/dgdo-geo
COPY requirements-run.lock requirements-build.lock ./
RUN /opt/dgdo-geo/bin/python -m pip install --require-hashes -r requirements-run.lock
COPY LICENSE README.md pyproject.toml ./
COPY dgdo_geo dgdo_geo
COPY layers layers
RUN python -m venv build-environment \
    && build-environment/bin/python -m pip install --require-hashes -r requirements-build.lock \
    && build-environment/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && /opt/dgdo-geo/bin/python -m pip install --no-deps wheels/*.whl \
    && /opt/dgdo-geo/bin/python -m compileall -q /opt/dgdo-geo/lib

FROM python:3.12-slim-bookworm
# The version of libexpat1 follows the security updates of the base image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/dgdo --create-home dgdo \
    && install --directory --owner=dgdo --group=dgdo /data
COPY --from=builder /opt/dgdo-geo /opt/dgdo-geo
ENV PATH=/opt/dgdo-geo/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/dgdo \
    DGDO_WORKSPACE=/data
USER 10001
WORKDIR /var/lib/dgdo
# The workspace: an empty folder or one of ours, so nothing else is kept in it.
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/gezond', timeout=4)"]
CMD ["dgdo-geo", "serve", "--host", "0.0.0.0", "--port", "8501"]
