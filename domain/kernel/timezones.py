"""The time zones a customer or billing entity can be in: those that the interface names, by their IANA names."""

from typing import Final

__all__ = ["TIMEZONES"]

_BY_REGION: Final = {
    "Africa": "Algiers Cairo Casablanca Harare Johannesburg Monrovia Nairobi",
    "America": (
        "Argentina/Buenos_Aires Bogota Caracas Chicago Chihuahua Denver Guatemala Guyana Halifax Indiana/Indianapolis "
        "Juneau La_Paz Lima Los_Angeles Mazatlan Mexico_City Monterrey Montevideo New_York Nuuk Phoenix Puerto_Rico "
        "Regina Santiago Sao_Paulo St_Johns Tijuana"
    ),
    "Asia": (
        "Almaty Baghdad Baku Bangkok Chongqing Colombo Dhaka Hong_Kong Irkutsk Jakarta Jerusalem Kabul Kamchatka "
        "Karachi Kathmandu Kolkata Krasnoyarsk Kuala_Lumpur Kuwait Magadan Muscat Novosibirsk Riyadh Seoul Shanghai "
        "Singapore Srednekolymsk Taipei Tashkent Tbilisi Tehran Tokyo Ulaanbaatar Urumqi Vladivostok Yakutsk Yangon "
        "Yekaterinburg Yerevan"
    ),
    "Atlantic": "Azores Cape_Verde South_Georgia",
    "Australia": "Adelaide Brisbane Canberra Darwin Hobart Melbourne Perth Sydney",
    "Etc": "GMT+12",
    "Europe": (
        "Amsterdam Athens Belgrade Berlin Bratislava Brussels Bucharest Budapest Copenhagen Dublin Helsinki Istanbul "
        "Kaliningrad Kyiv Lisbon Ljubljana London Madrid Minsk Moscow Paris Prague Riga Rome Samara Sarajevo Skopje "
        "Sofia Stockholm Tallinn Vienna Vilnius Volgograd Warsaw Zagreb Zurich"
    ),
    "Pacific": (
        "Apia Auckland Chatham Fakaofo Fiji Guadalcanal Guam Honolulu Majuro Midway Noumea Pago_Pago Port_Moresby "
        "Tongatapu"
    ),
}

TIMEZONES: Final = (*(f"{region}/{city}" for region, cities in _BY_REGION.items() for city in cities.split()), "UTC")
