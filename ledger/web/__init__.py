"""Pages of a ledger: the same functions and templates serve it live and write it as static files.

ledger file -> View -> page function -> context (plain JSON) -> template -> HTML
               PAGES: path pattern, page function, template, places with their input keys
serve: a request, a View; ETag = head      site: all places, those whose key changed
"""
