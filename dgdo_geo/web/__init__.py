"""The web app: pages, routes and browser files. Every number on screen comes from the answer object."""
