namespace CellOS.Export.S3.Core

open System

/// What the server or the transport said, which may echo what they were sent. It is masked when it is shown: most of it never
/// is.
[<Sealed>]
type internal Heard<'words>(words: 'words) =
    member _.Words = words
    override _.ToString() = Redaction.Mask

/// A success whose digests are compared once those that it reports were taken.
type internal Comparison = {
    Request: PutRequest
    Reply: Heard<Reply>
    Sent: Sent
    Roll: float
    /// What follows if no digest in the response confirms what was sent; `None` if it counts all the same.
    Otherwise: Verdict option
    /// SHA-256, and those that the response reports and that were not taken.
    Algorithms: DigestAlgorithm list
}

[<RequireQualifiedAccess>]
type internal Phase =
    | Fresh
    | Asking of attempt: int
    | Digesting of attempt: int * algorithms: DigestAlgorithm list
    | Putting of request: PutRequest
    | Comparing of comparison: Comparison
    | Waiting of nextAttempt: int * until: DateTimeOffset
    | Ended of output: Output

/// When a push began, and how many bytes its source has.
type internal Beginning = { At: DateTimeOffset; Length: int64 }

/// Whether the bytes of an attempt arrived damaged, by the server's word: that is tried again once.
[<RequireQualifiedAccess>]
type internal Damage =
    | NotReported
    /// The server refused them, and does not hold them.
    | Refused
    /// A success reported the digest of other bytes, which the server may hold since.
    | Accepted

/// What a push has learnt since it began. It stays as it is where the first attempt ends in a receipt.
type internal History = {
    /// What the last attempt came to.
    Last: Heard<Outcome> voption
    /// URLs that were in use before the one that is, and had expired: their secrets stay secret.
    Earlier: RequestUrl list
    /// Headers that came with those URLs: their values stay secret, too.
    EarlierHeaders: RequestHeader list
    /// The bytes of the source, once an attempt has read it to its end.
    Sent: Sent option
    /// Digests of the source that were taken before it was sent.
    Digests: Digest list
    /// Digests that the source of the URL in use expects of the content.
    Expected: Digest list
    /// The end of the validity of the URL in use, as its source states it.
    ValidUntil: DateTimeOffset voption
    /// How often a URL was asked for since there was one.
    Questions: int
    Damage: Damage
    MayBeStored: bool
    /// What it knows about hosts: from the sink, and from its own attempts.
    Hosts: KnownHosts
    /// What the caller should know about the receipt.
    Warning: string option
}

/// A push between two inputs. Every step makes a new one, so what seldom changes is kept apart from it.
type State = internal {
    Plan: PushPlan
    Phase: Phase
    Began: Beginning
    /// The latest time that was reported; it never goes back.
    Now: DateTimeOffset
    /// The number of attempts that were begun. A repetition without `Expect` after a 417 is not counted.
    Attempts: int
    /// The URL in use.
    Url: RequestUrl voption
    History: History
}

[<RequireQualifiedAccess>]
module internal State =

    let private notBegun = {
        At = DateTimeOffset.MinValue
        Length = 0L
    }

    let private noHistory = {
        Last = ValueNone
        Earlier = []
        EarlierHeaders = []
        Sent = None
        Digests = []
        Expected = []
        ValidUntil = ValueNone
        Questions = 0
        Damage = Damage.NotReported
        MayBeStored = false
        Hosts = KnownHosts.none
        Warning = None
    }

    let fresh (plan: PushPlan) : State = {
        Plan = plan
        Phase = Phase.Fresh
        Began = notBegun
        Now = DateTimeOffset.MinValue
        Attempts = 0
        Url = ValueNone
        History = noHistory
    }

    /// Those of the algorithms whose digest of the source has not been taken yet.
    let untaken (algorithms: DigestAlgorithm list) (state: State) : DigestAlgorithm list =
        algorithms
        |> List.filter (fun algorithm ->
            state.History.Digests
            |> List.forall (fun digest -> digest.Algorithm <> algorithm))

    let deadline (state: State) : DateTimeOffset option =
        match state.Plan.Target.Limits.Deadline with
        | Some deadline -> Some(Instant.plus deadline state.Began.At)
        | None -> None

    /// Whether the moment is at the deadline or past it.
    let isTooLate (at: DateTimeOffset) (state: State) : bool =
        match deadline state with
        | Some deadline -> not (Instant.isBefore deadline at)
        | None -> false

    /// Returns the state with what it has learnt.
    let learn (change: History -> History) (state: State) : State = {
        state with
            History = change state.History
    }

    /// Returns the state with these known hosts.
    let knowing (hosts: KnownHosts) (state: State) : State =
        if obj.ReferenceEquals(hosts, state.History.Hosts) then
            state
        else
            learn (fun history -> { history with Hosts = hosts }) state

    /// The state after an attempt that ended without a receipt.
    let after (outcome: Outcome) (state: State) : State =
        state
        |> learn (fun history -> {
            history with
                Last = ValueSome(Heard outcome)
                MayBeStored = history.MayBeStored || Verdict.mayHaveStored outcome
                Sent = Outcome.sent outcome |> Option.orElse history.Sent
        })

    /// The state without the URL in use and the headers that came with it, whose secrets are not forgotten.
    let withoutUrl (state: State) : State =
        match state.Url with
        | ValueNone -> state
        | ValueSome url -> {
            state with
                Url = ValueNone
                Plan = { state.Plan with Granted = [] }
                History = {
                    state.History with
                        Earlier = url :: state.History.Earlier
                        EarlierHeaders = state.Plan.Granted @ state.History.EarlierHeaders
                }
          }

    /// The URL whose secrets are in play, in use or about to be.
    let private currentUrl (state: State) =
        match state.Plan.Url with
        | UrlSource.Given url -> ValueSome url
        | UrlSource.Asked -> state.Url

    /// A template may put the names into the query, and a header may tell them: those are not secrets, and belong in
    /// every message.
    let private names (plan: PushPlan) = [
        ArtifactName.value plan.Artifact
        CellId.value plan.Target.CellId
        yield! plan.Target.Bucket |> Option.map Bucket.value |> Option.toList
        ObjectKey.value plan.Key
    ]

    /// The headers that no text may quote: the caller's, and those of every URL that was in use.
    let private secretHeaders (state: State) =
        state.Plan.Headers @ state.Plan.Granted @ state.History.EarlierHeaders
        |> List.filter RequestHeader.isSecret

    let private allSecrets (state: State) : Secrets =
        let ofHeaders = secretHeaders state |> List.collect RequestHeader.secretTexts

        match currentUrl state with
        | ValueSome url -> url :: state.History.Earlier
        | ValueNone -> state.History.Earlier
        |> List.map RequestUrl.secrets
        |> List.fold Secrets.append (Secrets.create ofHeaders)

    /// All that no text may contain: the secrets of every URL that was in use, and of the headers.
    let secrets (state: State) : Secrets =
        allSecrets state |> Secrets.except (names state.Plan)

    /// A server's text, fit to be shown: masked first and shortened then, so that no half of a secret stays.
    let presentable (secrets: Secrets) (text: string) : string =
        Redaction.withoutSecrets secrets text |> Check.visible |> Check.shorten 512

    /// A server's optional text, fit to be shown. The names are looked at only if a secret appears in the text.
    let shown (state: State) (text: string option) : string option =
        text
        |> Option.map (fun value ->
            let secrets =
                if Secrets.isIn value (allSecrets state) then secrets state else Secrets.none

            presentable secrets value)

    /// Returns how to show the optional texts of one response: most have nothing to mask.
    let showing (state: State) (texts: string option list) : string option -> string option =
        let isFree =
            match currentUrl state, state.History.Earlier with
            | ValueSome url, [] ->
                (secretHeaders state).IsEmpty
                && SecretSieve.passes (RequestUrl.reveal url) url.Authority.Stop (List.choose id texts)
            | _ -> false

        if isFree then id else shown state
