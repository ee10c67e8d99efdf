namespace CellOS.Export.S3.Core

open System
open System.Net

/// Addresses as their octets: 4 of IPv4, 16 of IPv6.
[<RequireQualifiedAccess>]
module internal IpAddress =

    /// 0 to 255 in decimal. A leading zero makes it invalid: some readers take what follows it for octal.
    let private octet (text: string) =
        let isNumber =
            text.Length >= 1
            && text.Length <= 3
            && String.forall Char.IsAsciiDigit text
            && (text = "0" || text[0] <> '0')

        if isNumber && int text <= 255 then Some(byte (int text)) else None

    let private tryV4 (text: string) =
        match text.Split '.' with
        | [| a; b; c; d |] ->
            match octet a, octet b, octet c, octet d with
            | Some a, Some b, Some c, Some d -> Some [| a; b; c; d |]
            | _ -> None
        | _ -> None

    /// .NET also reads brackets, a port, a zone and a mask here, which have no place in an address.
    let private tryV6 (text: string) =
        if
            text.Contains ':'
            && String.forall (fun c -> Char.IsAsciiHexDigit c || c = ':' || c = '.') text
        then
            match IPAddress.TryParse text with
            | true, NonNull address -> Some(address.GetAddressBytes())
            | _ -> None
        else
            None

    /// The octets of an address as a URL or a list writes it, without brackets; `None` for anything else.
    let tryParse (text: string) : byte[] option =
        match tryV4 text with
        | None -> tryV6 text
        | address -> address

    /// How many leading bits are the same in all IPv6 addresses that stand for one of IPv4 (RFC 4291, 2.5.5.2).
    let MappedPrefix = 96

    /// The IPv4 address that an IPv6 one stands for: `::ffff:10.0.0.1`.
    let tryMapped (octets: byte[]) : byte[] option =
        let isMapped =
            octets.Length = 16
            && octets[10] = 255uy
            && octets[11] = 255uy
            && (let mutable i = 0

                while i < 10 && octets[i] = 0uy do
                    i <- i + 1

                i = 10)

        if isMapped then Some octets[12..] else None

    /// Whether the first `prefix` bits of two addresses of one kind are the same.
    let sharePrefix (prefix: int) (one: byte[]) (other: byte[]) =
        let whole = prefix / 8
        let mutable i = 0

        while i < whole && one[i] = other[i] do
            i <- i + 1

        i = whole
        && (prefix % 8 = 0
            || (let mask = 255uy <<< (8 - prefix % 8)
                one[whole] &&& mask = (other[whole] &&& mask)))
