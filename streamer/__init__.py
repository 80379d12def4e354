"""The way out: journal to WebSocket, REST and the page."""
