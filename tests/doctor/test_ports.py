from surgewire.doctor.ports import port_range, ports_per_source
from surgewire.doctor.root import Root


def test_ports_are_counted_with_some_to_spare():
    assert ports_per_source((32_768, 60_999)) == 28_232 - 1_000
    assert ports_per_source((50_000, 50_100)) == 1
    assert ports_per_source((1_024, 65_535), reserved=512) == 63_000


def test_the_range_is_the_systems(tmp_path):
    file = tmp_path / "proc/sys/net/ipv4/ip_local_port_range"
    file.parent.mkdir(parents=True)
    root = Root(tmp_path)
    assert port_range(root) == (49_152, 65_535)
    file.write_text("1024\t2000\n")
    assert port_range(root) == (1_024, 2_000)
    for text in ("nonsense", "2000", "2000 1024", "1 2 3"):
        file.write_text(text)
        assert port_range(root) == (49_152, 65_535)
