namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

/// Where a server sends an upload, as far as its response shows.
[<RequireQualifiedAccess>]
type internal Redirect =
    /// To the bucket's own region or endpoint: a store says so.
    | Endpoint of region: string option * endpoint: string option
    /// To the same host, by https.
    | Https
    /// To another path on the same host.
    | Path
    /// To a page on which people sign in.
    | SignIn
    /// To another host.
    | Host of host: string
    /// The response does not say where to.
    | Nowhere

/// Tells redirects apart. Only a store's own facts make one a matter of regions: a portal, a console or a gateway redirects as
/// well.
[<RequireQualifiedAccess>]
module internal Redirect =

    let private signIn =
        Regex(
            @"(?<![a-z])(?:log-?[io]n|sign-?in|sso|saml2?|oauth2?|auth|authn|authorize|authenticate|authentication|adfs|idp|openid|"
            + @"portal|captive|hotspot|guest|wifi|accounts?|consent|splash|welcome|blocked?|webauth|fgtauth|cgi-bin)(?![a-z])",
            RegexOptions.IgnoreCase ||| RegexOptions.CultureInvariant
        )

    let private parsed (reply: Reply) =
        match reply.RedirectTo with
        | Some target ->
            match Uri.TryCreate(target, UriKind.Absolute) with
            | true, NonNull uri when uri.Host <> "" -> Some uri
            | _ -> None
        | None -> None

    let private isStoreCode (reply: Reply) =
        match reply.Error |> Option.map _.Code with
        | Some("PermanentRedirect" | "TemporaryRedirect" | "Redirect") -> true
        | _ -> false

    /// Finds out where the response to a request for the URL leads.
    let ofReply (url: RequestUrl option) (reply: Reply) : Redirect =
        let region =
            reply.BucketRegion |> Option.orElse (reply.Error |> Option.bind _.Region)

        let endpoint = reply.Error |> Option.bind _.Endpoint
        let target = parsed reply
        let host = target |> Option.map _.IdnHost.ToLowerInvariant()

        let isSameHost =
            match host, url with
            | Some host, Some url -> host = RequestUrl.host url
            | None, _ -> true
            | _ -> false

        let isToHttps =
            match target, url with
            | Some target, Some url -> isSameHost && target.Scheme = "https" && RequestUrl.scheme url = "http"
            | _ -> false

        let isS3 (host: string) = (S3Host.tryParse host).IsSome

        let isPage = reply.Body |> Option.exists (fun body -> body.Format = BodyFormat.Html)

        match reply.RedirectTo, host with
        | _ when region.IsSome || endpoint.IsSome || isStoreCode reply ->
            Redirect.Endpoint(region, endpoint |> Option.orElse host)
        | _ when isToHttps -> Redirect.Https
        | None, _ -> Redirect.Nowhere
        | _, Some host when not isSameHost && (reply.HasStoreId || isS3 host) ->
            Redirect.Endpoint(region, Some host)
        | Some target, _ when signIn.IsMatch target -> Redirect.SignIn
        | _ when isSameHost -> Redirect.Path
        // 302 and 303 are for people's browsers; 301 and 308 say that something has moved.
        | _, Some _ when
            reply.Status = 302
            || reply.Status = 303
            || reply.Status = 307 && isPage && not reply.HasStoreId
            ->
            Redirect.SignIn
        | _, Some host -> Redirect.Host host
        | _, None -> Redirect.Nowhere

    /// Returns what happened.
    let cause (redirect: Redirect) : string =
        match redirect with
        | Redirect.Endpoint _ -> "the URL was presigned for another region or endpoint than the bucket's"
        | Redirect.Https -> "the server redirects the upload to https"
        | Redirect.Path -> "the server redirects the upload to another path on the same host"
        | Redirect.SignIn -> "a portal or proxy redirects the upload to a sign-in page"
        | Redirect.Host _ -> "the server redirects the upload to another host"
        | Redirect.Nowhere -> "the response is a redirect that does not say where to"

    /// Returns what the response says of the target, to follow the cause: `; the bucket's region is eu-west-1`.
    let target (redirect: Redirect) (reply: Reply) : string =
        match redirect with
        | Redirect.Endpoint(region, endpoint) ->
            [
                region |> Option.map (fun region -> $" the bucket's region is {region}")
                endpoint |> Option.map (fun endpoint -> $" the endpoint is {endpoint}")
            ]
            |> List.choose id
            |> function
                | [] -> ""
                | parts -> ";" + String.concat "," parts
        | _ ->
            match reply.RedirectTo with
            | Some target -> $"; Location: {Check.shorten 100 target}"
            | None -> ""

    /// Returns what to do.
    let advice (redirect: Redirect) (facts: FailureFacts) : string =
        match redirect, FailureFacts.reply facts with
        | Redirect.Endpoint _, _ ->
            "Ask the presigner for a URL for the bucket's own region and endpoint. Do not change the host in the URL: the signature would no longer be valid. Redirects are never followed."
        | Redirect.Https, _ ->
            "Write https:// instead of http:// in the URL: the signature stays valid. If the port differs as well, ask the presigner for a new URL."
        | Redirect.Path, Some reply ->
            $"Ask the administrator of {AdviceWords.answerer reply} which path accepts PUT, and the presigner for a URL with it. Do not change the path yourself: the signature covers it."
        | Redirect.SignIn, _ ->
            $"If this machine has to sign in to its network, sign in. If not, check {AdviceWords.proxies facts}, and ask the network administrator."
        | Redirect.Host other, _ ->
            $"Ask the store's administrator whether the store has moved to {other}; if so, ask the presigner for a URL for that host. If not, check {AdviceWords.proxies facts}."
        | _, Some reply when reply.HasStoreId ->
            "Ask the store's administrator for the bucket's region and endpoint, and the presigner for a URL for them."
        | _ ->
            $"No store answers so: check {AdviceWords.proxies facts}, and whether a cache or a gateway answers."
