# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes wixl's input: one component for each file, the service and the registry values.

Sources: "Windows Installer", Microsoft Learn. The supported part of WiX's
language was found by experiment with wixl 0.101. `database` adds the parts
that wixl does not support.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from agent.native import provider_registration
from latchkey_agent.windows import names

from . import product_identity
from .product import PROVIDER

HOST = "pythonw.exe"
PACKAGE_KEY = rf"{names.REGISTRY_KEY}\Package"
_NAMESPACE = "http://schemas.microsoft.com/wix/2006/wi"
_RUN_KEY = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run"
_DOWNGRADE = (
    "A newer version of the Latchkey agent is installed on this PC and was kept. "
    "To go back, remove it first. This erases every grant."
)


def document(folder: Path, version: str, product: str) -> str:
    """Return wixl's input for a folder.

    Args:
        folder: the folder with the files to install, from `product.lay_out`.
        version: the product's version, as `1.2.3`.
        product: the product code.
    """
    root = Element("Wix", xmlns=_NAMESPACE)
    package = _product(root, version, product)
    _versions(package, version)
    _properties(package)
    features = {
        "Agent": SubElement(
            package, "Feature", Id="Agent", Title="Consent agent", Level="1", Absent="disallow"
        ),
        "Provider": Element("Feature", Id="CredentialProvider", Title="Sign-in after a restart", Level="1"),
    }
    target = SubElement(package, "Directory", Id="TARGETDIR", Name="SourceDir")
    programs = SubElement(target, "Directory", Id="ProgramFiles64Folder")
    installed = SubElement(programs, "Directory", Id="INSTALLDIR", Name=names.DATA_FOLDER)
    _Folders(folder, features).fill(installed, folder)
    if len(features["Provider"]):
        package.append(features["Provider"])
    return tostring(root, encoding="unicode", xml_declaration=True)


def _product(root: Element, version: str, product: str) -> Element:
    package = SubElement(
        root, "Product", Id=product, Name=product_identity.NAME, Language="1033", Version=version,
        Manufacturer=product_identity.MANUFACTURER, UpgradeCode=f"{{{str(product_identity.UPGRADE_CODE).upper()}}}",
    )  # fmt: skip
    SubElement(
        package, "Package", InstallerVersion="500", InstallScope="perMachine", Compressed="yes",
        Description=f"{product_identity.NAME} {version}", Comments=names.SERVICE_SUMMARY, Keywords="Installer",
    )  # fmt: skip
    SubElement(package, "Media", Id="1", Cabinet="latchkey.cab", EmbedCab="yes")
    return package


def _versions(package: Element, version: str) -> None:
    upgrade = SubElement(package, "Upgrade", Id=f"{{{str(product_identity.UPGRADE_CODE).upper()}}}")
    # Include the same version: another build of it replaces this one.
    SubElement(
        upgrade, "UpgradeVersion", Minimum="0.0.0", Maximum=version, IncludeMinimum="yes", IncludeMaximum="yes",
        Property="OLDER",
    )  # fmt: skip
    SubElement(
        upgrade, "UpgradeVersion", Minimum=version, IncludeMinimum="no", OnlyDetect="yes", Property="NEWER"
    )
    SubElement(package, "Condition", Message=_DOWNGRADE).text = "NOT NEWER"


def _properties(package: Element) -> None:
    values = {
        "ARPNOMODIFY": "1",
        # Always install all files of a version, regardless of the version of each file.
        "REINSTALLMODE": "amus",
        "KEEPRECEIPTS": "0",
        # A silent installation would otherwise restart a PC whose companion is running ("REBOOT Property", Microsoft
        # Learn). The exit code 3010 still tells that a restart is needed.
        "REBOOT": "ReallySuppress",
    }
    for name, value in values.items():
        SubElement(package, "Property", Id=name, Value=value)


def identifier(path: str) -> str:
    """Return the identifier of an installed file: readable, unique, and at most 72 characters long."""
    readable = re.sub(r"[^A-Za-z0-9]", "_", path)[-50:]
    return f"f_{hashlib.sha256(path.encode()).hexdigest()[:8]}_{readable}"


class _Folders:
    """Walks the folder and writes a component for each of its files."""

    def __init__(self, root: Path, features: dict[str, Element]) -> None:
        self._root = root
        self._features = features

    def fill(self, directory: Element, folder: Path) -> None:
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                name = identifier(entry.relative_to(self._root).as_posix())
                self.fill(SubElement(directory, "Directory", Id=f"d{name[1:]}", Name=entry.name), entry)
            else:
                self._component(directory, entry)

    def _component(self, directory: Element, file: Path) -> None:
        path = file.relative_to(self._root).as_posix()
        key = identifier(path)
        component = SubElement(
            directory, "Component", Id=f"c{key[1:]}", Guid=product_identity.component_code(path), Win64="yes"
        )
        SubElement(component, "File", Id=key, Name=file.name, Source=path, KeyPath="yes")
        if path == HOST:
            _service(component)
            _registry(component)
        if path == PROVIDER:
            _provider(component, key)
        feature = self._features["Provider" if path == PROVIDER else "Agent"]
        SubElement(feature, "ComponentRef", Id=f"c{key[1:]}")


def _service(component: Element) -> None:
    SubElement(
        component, "ServiceInstall", Id="Service", Name=names.SERVICE, DisplayName=names.SERVICE_TITLE,
        Description=names.SERVICE_SUMMARY, Type="ownProcess", Start="auto", ErrorControl="normal",
        Arguments=f"-I -B -m {names.SERVICE_MODULE}",
    )  # fmt: skip
    SubElement(
        component, "ServiceControl", Id="ServiceControl", Name=names.SERVICE, Start="install", Stop="both",
        Remove="uninstall", Wait="yes",
    )  # fmt: skip


def _registry(component: Element) -> None:
    facts = {"ProductCode": "[ProductCode]", "Version": "[ProductVersion]"}
    _values(component, PACKAGE_KEY, {name: ("string", text) for name, text in facts.items()})
    command = f'"[INSTALLDIR]{HOST}" -I -B -m {names.COMPANION_MODULE}'
    _values(component, _RUN_KEY, {"Latchkey": ("string", command)})
    source = {
        "EventMessageFile": ("expandable", names.EVENT_MESSAGE_FILE),
        "TypesSupported": ("integer", "7"),
    }
    _values(component, names.EVENT_SOURCE_KEY, source)


def _provider(component: Element, key: str) -> None:
    """Register the credential provider.

    Windows Installer writes the registration after the file and removes it
    before the file, which is the order that the logon screen needs.
    """
    for value in provider_registration.values(f"[#{key}]"):
        _values(component, value.key, {value.name: ("string", value.text)})


def _values(component: Element, key: str, values: dict[str, tuple[str, str]]) -> None:
    holder = SubElement(component, "RegistryKey", Root="HKLM", Key=key)
    for name, (kind, text) in values.items():
        attributes = {"Type": kind, "Value": text, **({"Name": name} if name else {})}
        SubElement(holder, "RegistryValue", attributes)
