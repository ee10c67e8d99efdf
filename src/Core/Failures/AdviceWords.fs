namespace CellOS.Export.S3.Core

/// Words that advice on failures shares.
[<RequireQualifiedAccess>]
module internal AdviceWords =

    /// The variable that sets an option, and the option in code; the option alone for a target without a name.
    let setting (option: string) (variable: string) (suffix: string) (facts: FailureFacts) =
        match facts.Plan.Target.Name with
        | Some name -> $"{Variable.forTarget name variable}{suffix} (in code: {option})"
        | None -> option

    /// The same for a setting that all targets share.
    let shared (option: string) (variable: string) = $"{variable} (in code: {option})"

    /// The host of the URL, as `NO_PROXY` takes it.
    let host (facts: FailureFacts) =
        match facts.Address with
        | Some url -> RequestUrl.host url
        | None -> "the URL's host"

    /// What to check on the way to the store: the proxy that the request went through, or where proxies are set; and the host.
    let proxies (facts: FailureFacts) =
        let named =
            match facts.Address with
            | Some url -> $" ({RequestUrl.host url})"
            | None -> ""

        match FailureFacts.proxy facts with
        | Some proxy -> $"{proxy.InWords} and the URL's host{named}"
        | None ->
            $"the proxy variables (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) and the URL's host{named}"

    /// The setting that names the proxy on the way.
    let proxySetting (facts: FailureFacts) =
        match FailureFacts.proxy facts |> Option.bind _.Variable with
        | Some variable -> variable
        | None -> "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"

    /// The program that answered, by its own word.
    let answerer (reply: Reply) =
        match reply.Server with
        | Some server -> $"the server that answered ({Check.shorten 60 server})"
        | None -> "the server that answered"
