namespace CellOS.Export.S3.Core

open System

/// Through which proxy a request goes, if through any.
[<Sealed>]
type ProxyRules internal (http: Proxy option, https: Proxy option, noProxy: NoProxy) =
    /// The proxy for `http`, for hosts that are not exempt.
    member _.Http = http

    /// The proxy for `https`, for hosts that are not exempt.
    member _.Https = https

    member internal _.NoProxy = noProxy

    /// Whether every request goes straight to its server.
    member _.IsEmpty = http.IsNone && https.IsNone

/// What the environment says of proxies. It holds no secret outside `Rules`.
type ProxyReading = {
    /// Which request goes through which proxy.
    Rules: ProxyRules
    /// The variables that count, without user names and passwords; none if there is no proxy.
    Values: EffectiveValue list
    /// The entries of `NO_PROXY` that are ignored.
    Findings: Finding list
    /// Variables that name no proxy that can be used.
    Problems: ConfigProblem list
}

/// Proxies from the environment, as the Rust crate reqwest reads them.
///
/// Rules that this module keeps:
/// - of a variable in upper and in lower case, the one in upper case counts; empty and blank are unset;
/// - `ALL_PROXY` stands in for a missing `HTTP_PROXY` and `HTTPS_PROXY`;
/// - in a CGI program (`REQUEST_METHOD` is set) `HTTP_PROXY` does not count: a client can set it with a header
///   `Proxy` (CVE-2016-5385);
/// - a variable that does not count is not judged.
[<RequireQualifiedAccess>]
module ProxyRules =

    /// No proxy at all.
    [<CompiledName("None")>]
    let none = ProxyRules(None, None, NoProxy.none)

    /// All variables that are read here, and so those that a look-up needs to know.
    [<CompiledName("Variables")>]
    let variables: string list = [
        for name in [ "HTTP_PROXY"; "HTTPS_PROXY"; "ALL_PROXY"; "NO_PROXY" ] do
            name
            name.ToLowerInvariant()
        "REQUEST_METHOD"
    ]

    /// The first of two variables that is set, and its value.
    let private first lookup (upper: string) (lower: string) =
        match EnvironmentReader.tryRead lookup upper with
        | Some value -> Some struct (upper, value)
        | None ->
            match EnvironmentReader.tryRead lookup lower with
            | Some value -> Some struct (lower, value)
            | None -> None

    let private row name variable value : EffectiveValue = {
        Name = name
        Value = value
        Origin = Origin.Variable variable
        Variable = Some variable
    }

    let private shown (proxy: Proxy) =
        if proxy.HasCredentials then
            string proxy + " (with user name and password)"
        else
            string proxy

    /// The number of ignored entries that are reported at most.
    [<Literal>]
    let private MostEntries = 20

    let private noProxyFindings (variable: string) (value: string) : Finding list =
        NoProxyAdvice.ignored value
        |> List.truncate MostEntries
        |> List.map (fun entry -> {
            Id = FindingId.NoProxyEntry
            Severity = Severity.Advice
            Target = None
            Variable = variable
            What = entry.What
            Remedy = entry.Remedy
        })

    /// Variables of one name in upper and in lower case that have different values: one of them is ignored.
    let private twins (lookup: string -> string option) : Finding list = [
        for name in [ "HTTP_PROXY"; "HTTPS_PROXY"; "ALL_PROXY" ] do
            let lower = name.ToLowerInvariant()

            match EnvironmentReader.tryRead lookup name, EnvironmentReader.tryRead lookup lower with
            | Some one, Some other when one <> other -> {
                Id = FindingId.CaseTwins
                Severity = Severity.Advice
                Target = None
                Variable = lower
                What = $"{name} is set as well, to another value: {lower} is ignored"
                Remedy = "Remove one of the two."
              }
            | _ -> ()
    ]

    let private ofVariables
        (http: struct (string * string) option)
        https
        (noProxy: struct (string * string) option)
        =
        let parse setting =
            match setting with
            | Some struct (variable: string, value: string) ->
                Some(variable, Proxy.parse value |> Result.map _.NamedBy(variable))
            | None -> None

        let http = parse http
        let https = parse https

        let proxyOf parsed =
            match parsed with
            | Some(_, Ok proxy) -> Some proxy
            | _ -> None

        let problemOf (parsed: (string * Result<Proxy, Refusal>) option) =
            match parsed with
            | Some(variable, Error refusal) -> [ ConfigProblem.inVariable None variable refusal.Message ]
            | _ -> []

        let rowOf name parsed =
            match parsed with
            | Some(variable, Ok proxy) -> [ row name variable (shown proxy) ]
            | _ -> []

        let list =
            match noProxy with
            | Some struct (_, value) -> NoProxy.parse value
            | None -> NoProxy.none

        {
            Rules = ProxyRules(proxyOf http, proxyOf https, list)
            Values = [
                yield! rowOf "httpProxy" http
                yield! rowOf "httpsProxy" https
                match noProxy with
                | Some struct (variable, _) -> row "noProxy" variable (Check.shorten 200 (string list))
                | None -> ()
            ]
            Findings =
                match noProxy with
                | Some struct (variable, value) -> noProxyFindings variable value
                | None -> []
            Problems = [
                yield! problemOf http
                // One variable that stands in for both is reported once.
                if (http |> Option.map fst) <> (https |> Option.map fst) then
                    yield! problemOf https
            ]
        }

    /// What the variables say.
    [<CompiledName("Read")>]
    let read (lookup: string -> string option) : ProxyReading =
        let all = first lookup "ALL_PROXY" "all_proxy"

        let http =
            if (lookup "REQUEST_METHOD").IsSome then
                None
            else
                first lookup "HTTP_PROXY" "http_proxy"

        let http = if http.IsSome then http else all

        let https =
            match first lookup "HTTPS_PROXY" "https_proxy" with
            | None -> all
            | found -> found

        // Most hosts have none, and a start should not pay for what is not there.
        if http.IsNone && https.IsNone then
            {
                Rules = none
                Values = []
                Findings = []
                Problems = []
            }
        else
            let reading = ofVariables http https (first lookup "NO_PROXY" "no_proxy")

            {
                reading with
                    Findings = reading.Findings @ twins lookup
            }

    /// The proxy for a request, by the scheme and the host of its URL (an IPv6 address with or without brackets);
    /// `None` if it goes straight to the server. The port plays no role.
    [<CompiledName("ProxyFor")>]
    let proxyFor (scheme: string) (host: string) (rules: ProxyRules) : Proxy option =
        let proxy =
            if scheme.Equals("https", StringComparison.OrdinalIgnoreCase) then rules.Https
            elif scheme.Equals("http", StringComparison.OrdinalIgnoreCase) then rules.Http
            else None

        match proxy with
        | Some _ when not (NoProxy.matches host rules.NoProxy) -> proxy
        | _ -> None
