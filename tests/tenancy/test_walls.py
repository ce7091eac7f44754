from tests.tenancy.rows import World


def test_it(mine: World, other: World) -> None:
    for name, row in mine.items():
        print(name, row)
