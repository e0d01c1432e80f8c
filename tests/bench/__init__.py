"""How fast: ratios against other work, measured in one run (`just bench`)."""
