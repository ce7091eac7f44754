# One image, three processes: `tarn api`, `tarn worker`, `tarn clock`.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir uv
COPY requirements.lock pyproject.toml README.md LICENSE ./
# What pyproject.toml asks for in production, at the versions of the lock: no tests, no embedded servers.
RUN VIRTUAL_ENV=/venv /venv/bin/uv pip install --no-cache --constraint requirements.lock -r pyproject.toml
COPY . .
RUN VIRTUAL_ENV=/venv /venv/bin/uv pip install --no-cache --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 tarn && mkdir /data && chown tarn /data
COPY --from=build /venv /venv
WORKDIR /data
ENV PATH=/venv/bin:$PATH TARN_ENV=production TARN_HOST=0.0.0.0 TARN_DATA_DIR=/data PYTHONUNBUFFERED=1 TZ=UTC
USER tarn
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:${PORT:-3000}/health', timeout=4)"
CMD ["tarn", "api"]
