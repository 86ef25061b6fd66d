from cookieless import Cookieless
from datasette.app import Datasette

from edge import Stateless

# Without threads a query runs at once.
guest = Datasette(memory=True, settings={"num_sql_threads": 0})
app = Stateless(Cookieless(guest.app()), anywhere=["/{path:path}"])
