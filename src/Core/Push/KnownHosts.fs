namespace CellOS.Export.S3.Core

open System

/// What the responses of one host have shown.
type internal HostFacts = {
    /// True if it answered 417 to `Expect: 100-continue`.
    RefusesExpect: bool
    /// The algorithms of the digests that its last success reported, and when; `None` before the first success.
    Reported: (DateTimeOffset * Set<DigestAlgorithm>) option
}

/// What earlier requests have shown about hosts. A sink keeps it, so that each host is asked once. It holds no secret.
[<Sealed>]
type KnownHosts internal (facts: Map<string, HostFacts>) =

    /// By host and port.
    member internal _.Facts = facts

    override _.ToString() = String.Join(", ", facts.Keys)

/// Remembers what hosts support.
///
/// Rules that this module keeps:
/// - a host that refused `Expect` is not asked again;
/// - of the digests that a host reported, the latest response counts;
/// - `merge` gives the same in whatever order pushes report what they have learnt.
[<RequireQualifiedAccess>]
module KnownHosts =

    let private nothing = {
        RefusesExpect = false
        Reported = None
    }

    let private factsOf (url: RequestUrl) (known: KnownHosts) =
        known.Facts |> Map.tryFind (RequestUrl.authority url)

    let private withFacts (url: RequestUrl) (change: HostFacts -> HostFacts) (known: KnownHosts) =
        let facts = factsOf url known |> Option.defaultValue nothing |> change
        KnownHosts(known.Facts |> Map.add (RequestUrl.authority url) facts)

    /// No host.
    [<CompiledName("None")>]
    let none = KnownHosts Map.empty

    /// True if the host of the URL refuses `Expect: 100-continue` (RFC 9110, 10.1.1).
    [<CompiledName("RefusesExpect")>]
    let refusesExpect (url: RequestUrl) (known: KnownHosts) : bool =
        factsOf url known |> Option.exists _.RefusesExpect

    /// Returns the known hosts, and the host of the URL as one that refuses `Expect: 100-continue`.
    [<CompiledName("WithoutExpect")>]
    let withoutExpect (url: RequestUrl) (known: KnownHosts) : KnownHosts =
        known |> withFacts url (fun facts -> { facts with RefusesExpect = true })

    /// The algorithms of the digests that the host of the URL reported last; `None` if it has not responded yet.
    [<CompiledName("Reported")>]
    let reported (url: RequestUrl) (known: KnownHosts) : Set<DigestAlgorithm> option =
        factsOf url known |> Option.bind _.Reported |> Option.map snd

    /// Returns the known hosts after a success of the URL's host that reported digests of these algorithms.
    [<CompiledName("Reporting")>]
    let reporting
        (url: RequestUrl)
        (at: DateTimeOffset)
        (algorithms: Set<DigestAlgorithm>)
        (known: KnownHosts)
        =
        match factsOf url known with
        // Most responses report what the one before did: nothing is allocated for those.
        | Some { Reported = Some(_, same) } when same = algorithms -> known
        | _ ->
            known
            |> withFacts url (fun facts -> {
                facts with
                    Reported = Some(at, algorithms)
            })

    /// Returns the later report; at the same time, the one that makes fewer assumptions: the smaller set.
    let private later one other =
        match one, other with
        | None, report
        | report, None -> report
        | Some(at, algorithms), Some(otherAt, otherAlgorithms) ->
            let rank at (algorithms: Set<DigestAlgorithm>) =
                struct (at, -algorithms.Count, Set.toList algorithms)

            if rank at algorithms >= rank otherAt otherAlgorithms then one else other

    let private mergeFacts (one: HostFacts) (other: HostFacts) = {
        RefusesExpect = one.RefusesExpect || other.RefusesExpect
        Reported = later one.Reported other.Reported
    }

    /// Returns what two sets of known hosts say together: `one` itself, if the other says nothing more.
    [<CompiledName("Merge")>]
    let merge (one: KnownHosts) (other: KnownHosts) : KnownHosts =
        if obj.ReferenceEquals(one, other) then
            one
        else
            let merged =
                (one.Facts, other.Facts)
                ||> Map.fold (fun facts host more ->
                    match Map.tryFind host facts with
                    | Some known ->
                        let both = mergeFacts known more
                        if both = known then facts else Map.add host both facts
                    | None -> Map.add host more facts)

            if merged = one.Facts then one else KnownHosts merged
