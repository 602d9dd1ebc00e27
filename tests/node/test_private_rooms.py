"""Private rooms between real nodes: made, entered, left, forgotten."""

from __future__ import annotations

import msgspec
import pytest

from peertalk.core import events
from peertalk.core.events import InviteUsed, Peer, Warning  # noqa: A004 - the event
from peertalk.core.pairing import Pairing
from peertalk.core.rooms import Terms, private_room, terms_of
from peertalk.core.stored import Retention
from peertalk.errors import RequestError
from peertalk.node import inviters, schema
from peertalk.node.link import Link
from peertalk.node.node import Node
from tests.node.company import KEY, Clock, Company, event, let_in, online, texts, until

DAY = 86_400_000


async def together(people: Company, retention: Retention = "forever", **options: object) -> tuple[Node, Node, events.Room]:
    """Ada and Ben, linked, in a private room of Ada's."""
    ada = await people.node("Ada", **options)
    ben = await people.node("Ben", ada, **options)
    room = await ada.create("Tuesday circle", retention, "de")
    await let_in(ada, room, ben)
    await until(ada, lambda: here(ada, room.id, 2))
    return ada, ben, room


async def here(node: Node, room: str, count: int) -> bool:
    found = await node.room(room)
    return found.online == found.members == count


async def has(node: Node, text: str, room: str) -> bool:
    return text in await texts(node, room)


def image(people: Company, name: str) -> bytes:
    writer, reader = schema.connect(people.directory / f"{name}.db", KEY)
    try:
        return writer.serialize("main")
    finally:
        writer.close()
        reader.close()


@pytest.mark.parametrize("retention", ["forever", "session", 30])
async def test_a_room_is_as_it_was_made(people: Company, retention: Retention) -> None:
    ada = await people.node("Ada", lobby=False)
    made = await ada.create("  # Tuesday   circle ", retention, "de")
    assert (made.name, made.kind, made.retention, made.language) == ("Tuesday circle", "private", retention, "de")
    assert (made.members, made.online, made.sealed, made.outside, made.archived, made.predecessor) == (
        1, 1, False, False, False, None,
    )  # fmt: skip
    assert await ada.rooms() == [made]
    await ada.close()
    kept = [made] if retention != "session" else []
    assert await (await people.node("Ada", lobby=False)).rooms() == kept


async def test_two_rooms_of_one_name_are_two_rooms(people: Company) -> None:
    ada = await people.node("Ada", lobby=False)
    one, other = await ada.create("Circle"), await ada.create("Circle")
    assert one.id != other.id
    with pytest.raises(RequestError, match="ambiguous_name"):
        await ada.room("Circle")


async def test_what_no_room_can_be_is_refused_and_nothing_is_made(people: Company) -> None:
    ada = await people.node("Ada", lobby=False)
    for name, why in (("", "empty"), ("#", "empty"), ("…", "empty"), ("x" * 65, "too_long"), ("a\u202eb", "hidden")):
        with pytest.raises(RequestError) as error:
            await ada.create(name)
        assert (error.value.kind, error.value.data["why"]) == ("bad_name", why)
    for retention, language in ((0, "de"), (3651, "de"), ("forever", "fr")):
        with pytest.raises(RequestError, match="bad_choice"):
            await ada.create("Circle", retention, language)
    assert await ada.rooms() == []


async def test_who_enters_sees_all_and_the_room_is_what_its_terms_say(people: Company) -> None:
    ada, ben, room = await together(people, 30)
    await ada.send(room.id, "welcome")
    await until(ben, lambda: has(ben, "welcome", room.id))
    found = await ben.room("tuesday circle")
    assert (found.id, found.name, found.kind, found.retention, found.language) == (
        room.id, "Tuesday circle", "private", 30, "de",
    )  # fmt: skip


async def test_a_room_that_was_left_is_there_again_when_entered_again(people: Company) -> None:
    ada, ben, room = await together(people)
    await ada.send(room.id, "before")
    await until(ben, lambda: has(ben, "before", room.id))
    await ben.leave(room.id)
    await until(ada, lambda: here(ada, room.id, 1))
    assert room.id not in [one.id for one in await ben.rooms()]
    await let_in(ada, room, ben)
    assert "before" in await texts(ben, room.id)
    await until(ada, lambda: here(ada, room.id, 2))


async def test_nothing_of_a_private_room_that_was_forgotten_is_left(people: Company) -> None:
    ada, ben, room = await together(people, lobby=True)
    secret = ada._life.lookup.room(room.id).record
    await ada.send(room.id, "canarytextwren")
    await until(ben, lambda: has(ben, "canarytextwren", room.id))
    feed = next(iter(ben._life.lookup.room(room.id).own_feeds()))
    canaries = (b"Tuesday circle", b"canarytextwren", secret.id, secret.secret, secret.seed, feed)
    await ben._life.committed()
    await ben.leave(room.id, forget=True)
    await until(ada, lambda: here(ada, room.id, 1))
    await ben.close()
    await ada.close()
    assert all(word in image(people, "Ada") for word in canaries[:-1])
    assert [word for word in canaries if word in image(people, "Ben")] == []


async def test_a_body_expires_also_at_who_was_away(people: Company) -> None:
    ada, ben, room = await together(people, 2)
    await ada.send(room.id, "for two days")
    await until(ben, lambda: has(ben, "for two days", room.id))
    await ben.close()
    await ada.close()
    later = Clock()
    later.offset = 3 * DAY
    back = await people.node("Ben", clock=later)
    assert await texts(back, room.id) == []
    kinds = [message.kind for message in (await back.messages(room.id)).messages]
    assert "here" in kinds
    await back.close()
    assert b"for two days" not in image(people, "Ben")
    assert b"for two days" in image(people, "Ada")


async def test_members_see_who_invited_whom(people: Company) -> None:
    ada, ben, room = await together(people)
    await until(ada, lambda: have_come(ada, room.id))
    (line,) = [one for one in (await ada.messages(room.id)).messages if one.kind == "here" and not one.mine]
    assert (line.text, [person.name for person in line.about]) == ("Ben", ["Ada"])
    assert {one.name: one.invited_by for one in await ada.members(room.id)} == {"Ada": None, "Ben": "Ada"}
    assert {one.name: one.invited_by for one in await ben.members(room.id)} == {"Ada": None, "Ben": "Ada"}


async def test_who_says_that_we_invited_them_and_was_not_is_told_of(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviters, "PATIENCE", 0.3)
    ada = await people.node("Ada", lobby=False)
    ben, cara = await people.node("Ben", ada, lobby=False), await people.node("Cara", ada, lobby=False)
    room, seen = await ada.create("Circle"), ada.subscribe()
    let_in_by_code = ben.status().identity
    used = InviteUsed(code="7-guitar-meadow-comet", peer=Peer(**msgspec.structs.asdict(let_in_by_code)), room=room.id)
    await let_in(ada, room, ben)
    await until(ada, lambda: here(ada, room.id, 2))
    ada._life.news.publish(used)
    await let_in(ada, room, cara)
    told = await event(ada, Warning, events=seen)
    assert (told.kind, told.peer, told.room) == ("not_invited", cara.status().identity.id, room.id)
    seen.close()


async def test_who_got_the_room_and_was_cut_off_is_not_told_of_as_uninvited(
    people: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The joiner ended between joining and saying who it is; one who was let in, and not everybody, comes without a name."""
    monkeypatch.setattr(inviters, "PATIENCE", 0.3)
    ada = await people.node("Ada", lobby=False)
    ben, cara = await people.node("Ben", ada, lobby=False), await people.node("Cara", ada, lobby=False)
    room, seen = await ada.create("Circle"), ada.subscribe()
    monkeypatch.setattr(Pairing, "come", lambda _pairing, _identity: None)
    await ben.accept((await ada.invite(room.id)).code)
    await until(ada, lambda: here(ada, room.id, 2))
    await let_in(ada, room, cara)
    told = await event(ada, Warning, events=seen)
    assert (told.kind, told.peer) == ("not_invited", cara.status().identity.id)
    seen.close()


async def test_what_a_private_room_is_called_is_never_sent_and_nothing_of_it_to_who_is_not_in_it(
    people: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[bytes, bytes]] = []
    send = Link.send

    def noting(link: Link, message: bytes) -> None:
        sent.append((link.peer or b"", message))
        send(link, message)

    monkeypatch.setattr(Link, "send", noting)
    ada, ben, room = await together(people)
    cara = await people.node("Cara", ada, ben)
    await until(cara, lambda: online(cara, "Ada"))
    await until(cara, lambda: online(cara, "Ben"))
    await ada.send(room.id, "canarytextwren")
    await until(ben, lambda: has(ben, "canarytextwren", room.id))
    ada.typing(room.id)
    await ada.set_name("Canaryfinch")
    await until(ben, lambda: online(ben, "Canaryfinch"))
    await ada.leave(room.id)
    await until(ben, lambda: here(ben, room.id, 1))
    record = ben._life.lookup.room(room.id).record
    feeds = [feed for node in (ada, ben) for feed in node._life.replica.places[record.id].room.own_feeds()]
    to_cara = b"".join(message for peer, message in sent if peer.hex() == cara.status().identity.id)
    assert [word for word in (record.id, b"canarytextwren", *feeds) if word in to_cara] == []
    to_all = b"".join(message for _, message in sent)
    assert [word for word in (b"Tuesday circle", record.secret, record.seed) if word in to_all] == []
    assert all(word in to_all for word in (record.id, b"canarytextwren", *feeds))  # so the search finds what is there


async def have_come(node: Node, room: str) -> bool:
    return [one.kind for one in (await node.messages(room)).messages] == ["here"] * 2


# ── off the record ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_others_hold_what_is_off_the_record_and_nobody_keeps_it(people: Company) -> None:
    ada, ben, room = await together(people, "session")
    sent = await ada.send(room.id, "between us")
    await until(ada, lambda: held(ada, room.id, sent.id))
    message = (await ada.messages(room.id)).messages[-1]
    assert (message.delivered_to, message.held_by) == ([], [ben.status().identity.id])


async def held(node: Node, room: str, message: str) -> bool:
    return any(one.id == message and (one.held_by or one.delivered_to) for one in (await node.messages(room)).messages)


async def test_nothing_of_a_meeting_off_the_record_is_on_disk(people: Company) -> None:
    ada, ben, room = await together(people, "session", lobby=False)
    await ada.send(room.id, "canarytextwren")
    await until(ben, lambda: has(ben, "canarytextwren", room.id))
    await ben.read(room.id)
    record, keys = ben._life.lookup.room(room.id).record, ben._life.lookup.room(room.id).own_feeds()
    people_met = bytes.fromhex(ada.status().identity.id)
    await ben.close()
    await ada.close()
    canaries = {b"Tuesday circle", b"canarytextwren", b"Ada", record.id, record.secret, record.seed, people_met, *keys}
    assert [word for word in canaries if word in image(people, "Ben")] == []
    files = [file.read_bytes() for file in people.directory.rglob("*") if file.is_file()]
    assert [word for word in canaries - {b"Ada"} if any(word in content for content in files)] == []
    assert b"Ben" in image(people, "Ben")


async def test_who_is_met_in_another_room_too_is_remembered(people: Company) -> None:
    ada, ben, _ = await together(people, "session", lobby=False)
    ben_id = bytes.fromhex(ben.status().identity.id)
    assert ben_id in ada._life.people.records
    await ada._life.committed()
    assert (await people.stores["Ada"].load()).peers == ()
    await ada.join("workshop")
    workshop = await ben.join("workshop")
    await until(ada, lambda: here(ada, workshop.id, 2))
    await ada._life.committed()
    assert [peer.identity for peer in (await people.stores["Ada"].load()).peers] == [ben_id]


async def test_after_a_restart_it_is_gone_and_who_enters_again_gets_all_from_who_stayed(people: Company) -> None:
    ada, ben, room = await together(people, "session")
    await ada.send(room.id, "first")
    await until(ben, lambda: has(ben, "first", room.id))
    await ben.close()
    back = await people.node("Ben", ada)
    with pytest.raises(RequestError, match="unknown_room"):
        await back.room(room.id)
    await until(back, lambda: online(back, "Ada"))
    await let_in(ada, room, back)
    await until(back, lambda: has(back, "first", room.id))
    await back.send(room.id, "second")
    await until(ada, lambda: has(ada, "second", room.id))
    assert await texts(ada, room.id) == await texts(back, room.id) == ["first", "second"]


async def test_who_keeps_nothing_at_all_is_in_such_a_room_like_everybody(people: Company) -> None:
    ada = await people.node("Ada", ephemeral=True)
    ben = await people.node("Ben", ada)
    await until(ben, lambda: online(ben, "Ada"))
    room = await ada.create("Circle", "session")
    await let_in(ada, room, ben)
    await ben.send(room.id, "hello")
    await until(ada, lambda: has(ada, "hello", room.id))


def test_a_room_has_the_terms_that_it_was_made_of() -> None:
    terms = Terms(b"s" * 32, "Circle", "de", -1)
    assert terms_of(private_room(terms, 1)) == terms
