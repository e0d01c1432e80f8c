"""Made by make_table.py from units.txt (7c7ec33cd275e87a). Do not edit."""

SECONDS = {
    'day': 86400,
    'hour': 3600,
    'minute': 60,
    'second': 1,
    'week': 604800,
}
