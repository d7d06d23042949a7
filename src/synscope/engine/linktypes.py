"""Names of link-layer header types, as libpcap's registry spells them without their prefix."""

from __future__ import annotations

NAMES: dict[int, str] = {
    0: "NULL", 1: "EN10MB", 6: "IEEE802_5", 7: "ARCNET", 8: "SLIP", 9: "PPP", 10: "FDDI", 12: "RAW", 14: "RAW",
    50: "PPP_HDLC", 51: "PPP_ETHER", 101: "RAW", 104: "C_HDLC", 105: "IEEE802_11", 107: "FRELAY",
    108: "LOOP", 113: "LINUX_SLL", 117: "PFLOG", 119: "PRISM_HEADER", 127: "IEEE802_11_RADIOTAP",
    129: "ARCNET_LINUX", 138: "APPLE_IP_OVER_IEEE1394", 143: "DOCSIS", 147: "USER0", 163: "IEEE802_11_AVS",
    187: "BLUETOOTH_HCI_H4", 189: "USB_LINUX", 192: "PPI", 195: "IEEE802_15_4_WITHFCS",
    201: "BLUETOOTH_HCI_H4_WITH_PHDR", 220: "USB_LINUX_MMAPPED", 227: "CAN_SOCKETCAN", 228: "IPV4",
    229: "IPV6", 230: "IEEE802_15_4_NOFCS", 239: "NFLOG", 249: "USBPCAP", 252: "WIRESHARK_UPPER_PDU",
    276: "LINUX_SLL2",
}  # fmt: skip


def linktype_name(number: int) -> str:
    """The name of a link type, or its number where the table has none."""
    return NAMES.get(number, f"LINKTYPE_{number}")
