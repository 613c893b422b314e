"""The schema of config.yaml: the exporter's keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from runtime.collector_settings import (
    ArpCollector,
    Collector,
    CpuInfoCollector,
    HwmonCollector,
    InterruptsCollector,
    OptionalCollector,
    PowerSupplyCollector,
    SampledCollector,
    SlabinfoCollector,
    StatCollector,
    TextfileCollector,
)
from runtime.live_settings import Live
from runtime.measuring_settings import (
    CgroupsCollector,
    PerfCollector,
    SystemdCollector,
    TopProcessesCollector,
)
from runtime.otlp_settings import Otlp
from runtime.prober_settings import ProbePage, Prober
from runtime.quantities import Address
from runtime.section import Positive, Section, Whole
from runtime.texts import PathText, Regex


class Paths(Section):
    """Where the kernel's files are mounted, for containers and tests."""

    procfs: PathText = Field(Path("/proc"), description="The proc filesystem.")
    sysfs: PathText = Field(Path("/sys"), description="The sys filesystem.")
    rootfs: PathText = Field(
        Path("/"), description="The host's root; prefixed to mount points."
    )


class DiskCollector(Collector):
    """Block devices."""

    exclude_devices: Regex = Field(
        r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
        description="Devices left out, by regular expression on the name.",
    )


class FilesystemCollector(Collector):
    """Mounted filesystems."""

    exclude_mounts: Regex = Field(
        r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+"
        r"|var/lib/containers/storage/.+)($|/)",
        description="Mount points left out, by regular expression.",
    )
    exclude_types: Regex = Field(
        r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs"
        r"|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore"
        r"|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$",
        description="Filesystem types left out, by regular expression.",
    )
    mount_timeout: Positive = Field(
        5.0, description="After this long a mount counts as hung, and is not asked."
    )


class NetstatCollector(Collector):
    """Counters of network protocols."""

    fields: Regex = Field(
        r"^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)"
        r"|Icmp6?_(InMsgs|OutMsgs)"
        r"|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue"
        r"|TCPRcvQDrop)"
        r"|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab"
        r"|MaxConn)"
        r"|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
        description="Fields of /proc/net/netstat, snmp and snmp6 that are exposed, by "
        "regular expression on protocol and field.",
    )


class NetworkCollector(Collector):
    """Network interfaces."""

    exclude_devices: Regex = Field(
        r"^$", description="Interfaces left out, by regular expression on the name."
    )


class VmstatCollector(Collector):
    """Counters of the virtual memory system."""

    fields: Regex = Field(
        r"^(oom_kill|pgpg|pswp|pg.*fault).*",
        description="Fields of /proc/vmstat that are exposed.",
    )


class Collectors(Section):
    """One key per collector; `exclude[]=` and `collect[]=` choose per scrape."""

    arp: ArpCollector = ArpCollector()
    bonding: Collector = Collector()
    buddyinfo: OptionalCollector = OptionalCollector()
    cgroups: CgroupsCollector = CgroupsCollector()
    conntrack: Collector = Collector()
    cpu: Collector = Collector()
    cpu_info: CpuInfoCollector = CpuInfoCollector()
    cpu_vulnerabilities: OptionalCollector = OptionalCollector()
    cpufreq: Collector = Collector()
    disk: DiskCollector = DiskCollector()
    dmi: Collector = Collector()
    edac: Collector = Collector()
    entropy: Collector = Collector()
    fibrechannel: Collector = Collector()
    filefd: Collector = Collector()
    filesystem: FilesystemCollector = FilesystemCollector()
    hwmon: HwmonCollector = HwmonCollector()
    infiniband: Collector = Collector()
    interrupts: InterruptsCollector = InterruptsCollector()
    kernel_hung: Collector = Collector()
    ksmd: OptionalCollector = OptionalCollector()
    load: Collector = Collector()
    mdadm: Collector = Collector()
    meminfo_numa: OptionalCollector = OptionalCollector()
    memory: Collector = Collector()
    netstat: NetstatCollector = NetstatCollector()
    network: NetworkCollector = NetworkCollector()
    nfs: Collector = Collector()
    nfsd: Collector = Collector()
    nvme: Collector = Collector()
    os: Collector = Collector()
    perf: PerfCollector = PerfCollector()
    power_supply: PowerSupplyCollector = PowerSupplyCollector()
    pressure: Collector = Collector()
    processes: SampledCollector = SampledCollector()
    rapl: Collector = Collector()
    schedstat: Collector = Collector()
    slabinfo: SlabinfoCollector = SlabinfoCollector()
    sockstat: Collector = Collector()
    softirqs: OptionalCollector = OptionalCollector()
    softnet: Collector = Collector()
    stat: StatCollector = StatCollector()
    systemd: SystemdCollector = SystemdCollector()
    tcpstat: Collector = Collector()
    textfile: TextfileCollector = TextfileCollector()
    thermal_zone: Collector = Collector()
    time: Collector = Collector()
    timex: Collector = Collector()
    top_processes: TopProcessesCollector = TopProcessesCollector()
    udp_queues: Collector = Collector()
    uname: Collector = Collector()
    vmstat: VmstatCollector = VmstatCollector()
    watchdog: Collector = Collector()
    zfs: Collector = Collector()
    zoneinfo: OptionalCollector = OptionalCollector()


class Exporter(Section):
    """The agent that runs on every host."""

    listen: Address = Field(
        Address("127.0.0.1", 9105), description="Where `/metrics` is served."
    )
    token: SecretStr | None = Field(
        None, description="Bearer token of scrapers; only from the environment."
    )
    token_file: PathText | None = Field(
        None, description="File with the bearer token that scrapers must send."
    )
    max_scrapes: Annotated[Whole, Field(ge=1, le=1000)] = Field(
        8, description="Scrapes in flight at once; more are answered 503."
    )
    deadline: Positive = Field(
        5.0,
        description="A collector that needs longer is reported as failed and the "
        "scrape goes on without it.",
    )
    gzip_level: Annotated[Whole, Field(ge=0, le=9)] = Field(
        3, description="Compression of answers to clients that accept gzip; 0 is off."
    )
    live: Live = Live()
    paths: Paths = Paths()
    collectors: Collectors = Collectors()
    prober: Prober = Prober()
    probe: ProbePage = ProbePage()
    otlp: Otlp = Otlp()
