"""PDF: typst templates and JSON data in, bytes out."""

from infrastructure.pdf.renderer import RenderingError, close, render, render_pages

__all__ = ["RenderingError", "close", "render", "render_pages"]
