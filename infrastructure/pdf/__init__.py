"""PDF: typst templates and JSON data in, bytes out."""

from infrastructure.pdf.renderer import RenderingError, render, render_pages

__all__ = ["RenderingError", "render", "render_pages"]
