#!/bin/bash
# A database for each domain, and a user who owns it and can use no other. PostgreSQL's image runs this once, when the data
# volume is new. It can be run again at any time, and then takes over passwords that have changed:
#   docker-compose -f docker-compose.prod.yml exec postgres bash /docker-entrypoint-initdb.d/databases.sh
set -euo pipefail

for domain in flight passenger; do
    # psql reads the password itself and quotes it, so that it is on no command line and in no log.
    psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
        --set=domain="$domain" <<SQL
\\set password \`cat /secrets/$domain/password\`
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SELECT format('CREATE ROLE %I LOGIN', :'domain') WHERE to_regrole(:'domain') IS NULL \\gexec
SELECT format('ALTER ROLE %I PASSWORD %L', :'domain', trim(trailing E' \\r\\n\\t' from :'password')) \\gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'domain', :'domain')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'domain') \\gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'domain') \\gexec
SQL
done
