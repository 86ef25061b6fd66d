"""What every host must do: a small echo app and CASES (request -> expected answer).

A host passes if it gives the expected status and bodies that are byte-equal to the CPython host's.
Third-party hosts run the same: serve `edge.conformance:app` and send each case. The origin behind it
publishes the catalog collection `conformance`, which is `CATALOG`.
"""

from .app import app
from .cases import CASES, Case

CATALOG = {"tea": {"name": "Sencha", "price": 1250}}

__all__ = ["CASES", "CATALOG", "Case", "app"]
