from __future__ import annotations

import pytest

from exporter.collectors.cgroup_names import Named, name_of, unescape

ID = "0123456789ab" + "cd" * 26
POD = "1234abcd-0000-1111-2222-0123456789ab"
SLICE = f"kubepods-burstable-pod{POD.replace('-', '_')}.slice"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"/system.slice/docker-{ID}.scope", Named("docker", ID[:12])),
        (f"/docker/{ID}", Named("docker", ID[:12])),
        (f"/machine.slice/libpod-{ID}.scope", Named("podman", ID[:12])),
        (f"/machine.slice/libpod-{ID}.scope/container", Named("podman", ID[:12])),
        (
            f"/kubepods.slice/kubepods-burstable.slice/{SLICE}/cri-containerd-{ID}.scope",
            Named("containerd", ID[:12], POD),
        ),
        (
            f"/kubepods.slice/{SLICE}/crio-{ID}.scope",
            Named("cri-o", ID[:12], POD),
        ),
        (
            f"/kubepods/burstable/pod{POD}/{ID}",
            Named("kubernetes", ID[:12], POD),
        ),
        (f"/kubepods.slice/{SLICE}", Named("kubernetes", "", POD)),
        ("/kubepods.slice", Named("kubernetes")),
        ("/lxc.payload.web", Named("lxc", "web")),
        ("/machine.slice/machine-db\\x2d1.scope", Named("nspawn", "db-1")),
        (
            "/machine.slice/systemd-nspawn@db.service/payload",
            Named("nspawn", "db"),
        ),
        ("/system.slice", Named("systemd")),
        ("/system.slice/ssh.service", Named("systemd")),
        ("/user.slice/user-0.slice/session-1.scope", Named("systemd")),
        ("/mine", Named("")),
        (f"/system.slice/docker-{ID}.scope/inner", Named("")),
        ("/system.slice/docker-short.scope", Named("systemd")),
    ],
)
def test_paths_tell_who_made_a_group(path: str, named: Named) -> None:
    assert name_of(path) == named


def test_escapes_of_systemd_are_resolved() -> None:
    assert unescape("a\\x2db\\x2fc") == "a-b/c"
