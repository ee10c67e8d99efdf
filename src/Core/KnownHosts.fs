namespace CellOS.Export.S3.Core

/// What earlier requests have shown about hosts. A sink keeps it, so that each host is asked once. It holds no secret.
[<Sealed>]
type KnownHosts internal (refusingExpect: Set<string>) =

    /// The hosts that answered 417 to `Expect: 100-continue`, with their ports.
    member internal _.RefusingExpect = refusingExpect

    override _.ToString() = String.concat ", " refusingExpect

/// Remembers what hosts support.
[<RequireQualifiedAccess>]
module KnownHosts =

    /// No host.
    [<CompiledName("None")>]
    let none = KnownHosts Set.empty

    /// True if the host of the URL refuses `Expect: 100-continue` (RFC 9110, 10.1.1).
    [<CompiledName("RefusesExpect")>]
    let refusesExpect (url: RequestUrl) (known: KnownHosts) : bool =
        not known.RefusingExpect.IsEmpty
        && known.RefusingExpect.Contains(RequestUrl.authority url)

    /// Returns the known hosts, and the host of the URL as one that refuses `Expect: 100-continue`.
    [<CompiledName("WithoutExpect")>]
    let withoutExpect (url: RequestUrl) (known: KnownHosts) : KnownHosts =
        KnownHosts(known.RefusingExpect.Add(RequestUrl.authority url))

    /// Returns what either of two sets of known hosts says: `one` itself, if the other says nothing more.
    [<CompiledName("Merge")>]
    let merge (one: KnownHosts) (other: KnownHosts) : KnownHosts =
        if Set.isSubset other.RefusingExpect one.RefusingExpect then
            one
        else
            KnownHosts(Set.union one.RefusingExpect other.RefusingExpect)
