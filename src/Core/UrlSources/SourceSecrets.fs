namespace CellOS.Export.S3.Core

open System

/// What a source of URLs knows, and may repeat in its messages: its own arguments or address, tokens, the headers of requests,
/// and the URLs that it granted. `ToString` shows none of it.
[<Sealed>]
type SourceSecrets
    internal (own: string list, tokens: string list, given: string list, count: int, kept: string list) =
    member internal _.Own = own
    member internal _.Tokens = tokens

    /// Those of grants and requests, the latest first; some may be there twice.
    member internal _.Given = given

    /// The number of those.
    member internal _.Count = count

    /// The names that belong in every message.
    member internal _.Kept = kept

    /// The secrets, without those that are part of a name.
    member _.Values: string list =
        let isPartOfName (value: string) =
            kept |> List.exists _.Contains(value, StringComparison.Ordinal)

        own @ tokens @ given |> List.distinct |> List.filter (isPartOfName >> not)

    override _.ToString() = Redaction.Mask

/// Masks the secrets of a source of URLs in its messages.
[<RequireQualifiedAccess>]
module SourceSecrets =

    /// The number of secrets of grants that are remembered at least; twice as many are at most. Those of an older grant are
    /// recognized by their form alone.
    [<Literal>]
    let private MostGiven = 2048

    /// The number of parts of tokens that are remembered.
    [<Literal>]
    let private MostOfTokens = 64

    let private create own = SourceSecrets(own, [], [], 0, [])

    /// Returns the secrets in the arguments of a command.
    [<CompiledName("OfCommand")>]
    let ofCommand (command: UrlCommand) : SourceSecrets = create (UrlCommand.secrets command)

    /// Returns the secrets in the address of a broker: its query, and random segments of its path.
    [<CompiledName("OfBroker")>]
    let ofBroker (endpoint: BrokerEndpoint) : SourceSecrets =
        let host =
            match endpoint with
            | BrokerEndpoint.Http url -> [ RequestUrl.authority url ]
            | BrokerEndpoint.UnixSocket _ -> []

        SourceSecrets(BrokerEndpoint.secrets endpoint, [], [], 0, host)

    /// Every request adds some: what it costs does not grow with those that are there.
    let private withGiven (values: string list) (secrets: SourceSecrets) =
        let given, count =
            match values @ secrets.Given, secrets.Count + values.Length with
            | given, count when count > 2 * MostGiven -> List.truncate MostGiven given, MostGiven
            | grown -> grown

        SourceSecrets(secrets.Own, secrets.Tokens, given, count, secrets.Kept)

    /// Adds a token that a request had.
    [<CompiledName("WithToken")>]
    let withToken (token: string) (secrets: SourceSecrets) : SourceSecrets =
        if List.contains token secrets.Tokens then
            secrets
        else
            let tokens =
                SecretParts.withParts token @ secrets.Tokens |> List.truncate MostOfTokens

            SourceSecrets(secrets.Own, tokens, secrets.Given, secrets.Count, secrets.Kept)

    /// Adds what a grant contains.
    [<CompiledName("WithGrant")>]
    let withGrant (grant: UrlGrant) (secrets: SourceSecrets) : SourceSecrets =
        let ofHeaders =
            grant.Headers
            |> List.filter (fun header ->
                RequestHeader.isSecret (RequestHeader.trust header.Key header.Value))
            |> List.collect (fun header -> SecretParts.withParts header.Value)

        withGiven (Redaction.secretsOf (RequestUrl.reveal grant.Url) @ ofHeaders) secrets

    /// Adds the secrets of a request. Its names and digests stay in messages.
    [<CompiledName("WithRequest")>]
    let withRequest (request: UrlRequest) (secrets: SourceSecrets) : SourceSecrets =
        let kept = [
            request.ArtifactName
            request.CellId
            request.Bucket
            request.Key
            for digest in request.Digests do
                digest.Base64
                digest.Hex
        ]

        let all = withGiven (UrlRequest.secrets request) secrets
        SourceSecrets(all.Own, all.Tokens, all.Given, all.Count, kept @ secrets.Kept)

    let private withoutWords (secrets: SourceSecrets) (text: string) =
        Redaction.text text
        |> CommandWords.mask secrets.Kept
        |> CredentialForms.maskWords secrets.Kept

    /// Returns a text of the source's without its secrets, and without words that look like credentials.
    [<CompiledName("Mask")>]
    let mask (secrets: SourceSecrets) (text: string) : string =
        Secrets.mask (Secrets.create secrets.Values) text |> withoutWords secrets

    /// Returns the same for the lines of a log, which are read together: a name may be on one line and its value on the next,
    /// and a URL may go over several.
    [<CompiledName("MaskLines")>]
    let maskLines (secrets: SourceSecrets) (lines: string seq) : string[] =
        (Secrets.mask (Secrets.create secrets.Values) (String.Join('\n', lines))).Split '\n'
        |> List.ofArray
        |> CredentialForms.maskContinuations
        |> fun lines -> (withoutWords secrets (String.Join('\n', lines))).Split '\n'
        |> Array.map Check.visible

    /// True if the line after this one in a log may continue it: a name without its value, or a URL.
    [<CompiledName("IsOpen")>]
    let isOpen (line: string) : bool =
        line.EndsWith ':' || line.EndsWith '=' || line.Contains "://"
