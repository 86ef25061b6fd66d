from cookieless import Cookieless
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.applications import Starlette
from starlette_admin.contrib.sqla import Admin, ModelView

from edge import Stateless


class Base(DeclarativeBase):
    pass


class Tea(Base):
    __tablename__ = "tea"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


engine = create_engine("sqlite:///:memory:")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Tea(name="green"))
    session.commit()

guest = Starlette()
admin = Admin(engine, title="Tea", base_url="/")
admin.add_view(ModelView(Tea))
admin.mount_to(guest)
app = Stateless(Cookieless(guest), anywhere=["/{path:path}"])
