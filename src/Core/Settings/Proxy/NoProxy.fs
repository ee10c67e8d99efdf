namespace CellOS.Export.S3.Core

open System
open System.Net

/// An entry of `NO_PROXY`.
[<RequireQualifiedAccess>]
type internal NoProxyEntry =
    /// `*`
    | Everything
    /// Addresses that begin with the same bits; all of them for a single address.
    | Network of Octets: byte[] * Prefix: int
    /// A host and all below it, in lower case, without dots around it.
    | Domain of string

    override this.ToString() =
        match this with
        | Everything -> "*"
        | Domain name -> name
        | Network(octets, prefix) when prefix = octets.Length * 8 -> string (IPAddress octets)
        | Network(octets, prefix) -> Check.invariant $"{IPAddress octets}/{prefix}"

/// Which hosts are reached without a proxy: what `NO_PROXY` says, as the Rust crate reqwest reads it.
///
/// Rules that this module keeps:
/// - entries stand between commas, blanks around them do not count;
/// - `*` is every host, and is special in no other place;
/// - an address or a network (`10.0.0.0/8`, `2001:db8::/32`) is for hosts that are addresses, whatever stands for
///   the same IPv4 address in IPv6; a name is for names, its subdomains included, and never for an address;
/// - case, a leading dot and a trailing one do not matter, nor does a port: not the URL's, not an entry's;
/// - anything else matches nothing. No host is special by itself, not even `localhost`.
[<Sealed>]
type NoProxy internal (entries: NoProxyEntry list) =
    member internal _.Entries = entries

    /// The entries that can match a host, `none` for none: whatever else somebody may have put there is not shown.
    override _.ToString() =
        if entries.IsEmpty then
            "none"
        else
            String.Join(", ", [ for entry in entries -> string entry ])

/// Reads `NO_PROXY`, and holds hosts against it.
[<RequireQualifiedAccess>]
module NoProxy =

    /// No host at all.
    let internal none = NoProxy []

    let private withoutBrackets (text: string) =
        if text.Length >= 2 && text[0] = '[' && text[text.Length - 1] = ']' then
            text.Substring(1, text.Length - 2)
        else
            text

    let private withoutPort (entry: string) =
        match entry.LastIndexOf ':' with
        | -1 -> entry
        | colon when colon > 0 && entry[colon - 1] = ']' -> entry.Substring(0, colon)
        // With more than one colon and no brackets it is an address of IPv6.
        | colon when entry.IndexOf ':' = colon -> entry.Substring(0, colon)
        | _ -> entry

    let private withoutTrailingDot (name: string) =
        if name.EndsWith '.' then name.Substring(0, name.Length - 1) else name

    /// What the host of a URL may have in it that can be connected to.
    let private isOfName (c: char) =
        Char.IsAsciiLetterOrDigit c || c = '-' || c = '.' || c = '_'

    let private network (octets: byte[]) (prefix: int) =
        match IpAddress.tryMapped octets with
        | Some mapped when prefix >= IpAddress.MappedPrefix ->
            NoProxyEntry.Network(mapped, prefix - IpAddress.MappedPrefix)
        | _ -> NoProxyEntry.Network(octets, prefix)

    let private tryNetwork (address: string) (prefix: string) =
        match IpAddress.tryParse (withoutBrackets address) with
        | Some octets ->
            EnvironmentReader.wholeNumber 0L (int64 octets.Length * 8L) prefix
            |> Option.map (fun bits -> network octets (int bits))
        | None -> None

    let private tryHost (entry: string) =
        let host = withoutBrackets (withoutPort entry)

        match IpAddress.tryParse (withoutTrailingDot host) with
        | Some octets -> Some(network octets (octets.Length * 8))
        | None ->
            let withoutDot = if host.StartsWith '.' then host.Substring 1 else host

            match (withoutTrailingDot withoutDot).ToLowerInvariant() with
            | domain when domain <> "" && String.forall isOfName domain -> Some(NoProxyEntry.Domain domain)
            | _ -> None

    let internal tryEntry (entry: string) =
        match entry.Trim() with
        | "" -> None
        | "*" -> Some NoProxyEntry.Everything
        | entry ->
            match entry.IndexOf '/' with
            | -1 -> tryHost entry
            | slash -> tryNetwork (entry.Substring(0, slash)) (entry.Substring(slash + 1))

    /// Reads the value of `NO_PROXY`; whatever it is, it is a list.
    [<CompiledName("Parse")>]
    let parse (value: string) : NoProxy =
        NoProxy [
            for entry in value.Split ',' do
                match tryEntry entry with
                | Some entry -> entry
                | None -> ()
        ]

    /// The forms in which an address may be listed: its own, and that of the IPv4 address that it stands for.
    let private formsOf (octets: byte[]) = [
        octets
        match IpAddress.tryMapped octets with
        | Some mapped -> mapped
        | None -> ()
    ]

    let private holdsAddress (forms: byte[] list) (entry: NoProxyEntry) =
        match entry with
        | NoProxyEntry.Everything -> true
        | NoProxyEntry.Network(octets, prefix) ->
            forms
            |> List.exists (fun form ->
                form.Length = octets.Length && IpAddress.sharePrefix prefix form octets)
        | NoProxyEntry.Domain _ -> false

    let private holdsName (name: string) (entry: NoProxyEntry) =
        match entry with
        | NoProxyEntry.Everything -> true
        | NoProxyEntry.Network _ -> false
        | NoProxyEntry.Domain domain ->
            name.EndsWith(domain, StringComparison.Ordinal)
            && (name.Length = domain.Length || name[name.Length - domain.Length - 1] = '.')

    /// Whether a host is reached without a proxy.
    [<CompiledName("Matches")>]
    let matches (host: string) (list: NoProxy) : bool =
        let name = withoutTrailingDot (withoutBrackets host)

        let address =
            match name.IndexOf '%' with
            | -1 -> name
            // The zone of a link-local address says which line it is on, not which host (RFC 4007, 11).
            | zone -> name.Substring(0, zone)

        match IpAddress.tryParse address with
        | Some octets -> list.Entries |> List.exists (holdsAddress (formsOf octets))
        | None -> list.Entries |> List.exists (holdsName (name.ToLowerInvariant()))
