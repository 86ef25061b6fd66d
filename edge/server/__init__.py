"""What listens in production: uvicorn with bounds on what a connection may cost.

protocol     the bounds, for edges and for the origin
serving      a uvicorn server with that protocol, which ends without losing a request
settings     what an edge is told, checked before it listens
command      `edgekit edge`
"""
