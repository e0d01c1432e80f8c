"""Made by make_table.py from units.txt (917a4e74b97cd23c). Do not edit."""

SECONDS = {
    'day': 86400,
    'hour': 3600,
    'minute': 60,
    'second': 1,
}
