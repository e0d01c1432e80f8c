"""Mutation tasks: one small fault put into a project, kept where the project's own tests find it."""
