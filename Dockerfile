# One image for edge, worker, simulator and jobs: `docker run posto --help`.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PATH=/venv/bin:$PATH
RUN python -m venv /venv
WORKDIR /src
# The packages first: this layer is built again only when the lock changes.
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY streams streams
COPY agents agents
COPY adapters adapters
COPY infra infra
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin posto \
 && install -d -m 0700 -o posto -g posto /var/lib/posto /var/lib/posto/media /var/lib/posto/spool
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 10001
ENTRYPOINT ["posto"]
CMD ["--help"]
