namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// The settings of a target of kind `local`.
type LocalSettings = {
    /// The export folder, as it was given.
    Root: string
    /// True if files with other content are replaced.
    Overwrite: bool
}

/// The settings of a target that is not a bucket.
[<RequireQualifiedAccess>]
type PlainSettings =
    /// A folder.
    | Local of LocalSettings
    /// An HTTP endpoint.
    | Http of HttpSettings

    /// The spool; a folder has none.
    member internal this.Spool =
        match this with
        | Local _ -> None
        | Http settings -> settings.Spool

/// What became of a target of kind `local` or `http`, or of the default sink.
type PlainReport = {
    /// The target's name; `None` for the default sink.
    Name: TargetName option
    /// Its kind.
    Kind: TargetKind
    /// Each setting as it holds and where it came from; without secrets.
    Values: EffectiveValue list
    /// `None` if there are problems with it.
    Settings: PlainSettings option
}

/// The kind of the default sink.
[<RequireQualifiedAccess>]
module Fallback =

    /// The kind of the default sink that the environment names: HTTP, else a folder; `None` if it names none. It is never S3.
    [<CompiledName("OfEnvironment")>]
    let ofEnvironment (lookup: string -> string option) : TargetKind option =
        let isSet variable =
            (EnvironmentReader.tryRead lookup variable).IsSome

        if isSet Variable.SharedHttpUrl then Some TargetKind.Http
        elif isSet Variable.SharedLocalFolder then Some TargetKind.Local
        else None

/// Reads the settings of targets of kinds `local` and `http`.
///
/// Rules that this module keeps:
/// - a variable of the target counts more than the shared one;
/// - the shared token goes to the shared base URL alone.
[<RequireQualifiedAccess>]
module internal PlainReader =

    let private chosen lookup name stem shared =
        EnvironmentReader.chosen lookup name stem shared

    let private effective setting variable shown isSet : EffectiveValue = {
        Name = setting
        Value = shown
        Origin = if isSet then Origin.Variable variable else Origin.Default
        Variable = Some variable
    }

    let private problem who variable text =
        Error [ ConfigProblem.inVariable who variable text ]

    let private local lookup (name: TargetName option) =
        let variable = chosen lookup name Variable.LocalFolder Variable.SharedLocalFolder

        let overwrite =
            EnvironmentReader.flag
                lookup
                name
                "overwrite"
                (chosen lookup name Variable.LocalOverwrite Variable.SharedLocalOverwrite)
                "0"

        let root =
            match EnvironmentReader.tryRead lookup variable with
            | None -> problem name variable "It is not set. Give the path of the export folder."
            | Some value ->
                match EnvironmentReader.path value with
                | Ok path -> Ok path
                | Error what -> problem name variable $"{what}. Give the path of the export folder."

        let report = {
            Name = name
            Kind = TargetKind.Local
            Values = [
                match root with
                | Ok root -> effective "exportFolder" variable (FilePath.show root) true
                | Error _ -> ()
                overwrite.Effective
            ]
            Settings =
                match root with
                | Ok root ->
                    Some(
                        PlainSettings.Local {
                            Root = root
                            Overwrite = overwrite.Value
                        }
                    )
                | Error _ -> None
        }

        report,
        overwrite.Findings,
        (match root with
         | Ok _ -> []
         | Error problems -> problems)

    let private plaintext (name: TargetName option) variable : Finding = {
        Id = FindingId.PlaintextTransport
        Severity = Severity.Advice
        Target = name |> Option.map TargetName.value
        Variable = variable
        What = "the base URL is http: evidence goes over the network in the clear"
        Remedy = "Use https."
    }

    let private http lookup (name: TargetName option) =
        let variable = chosen lookup name Variable.LegacyUrl Variable.SharedHttpUrl

        let number setting stem shared unit least most whenUnset =
            EnvironmentReader.number
                lookup
                name
                setting
                (chosen lookup name stem shared)
                unit
                least
                most
                whenUnset

        let attempts =
            number
                "maxAttempts"
                Variable.HttpMaxAttempts
                Variable.SharedHttpMaxAttempts
                ""
                1L
                (int64 Int32.MaxValue)
                (int64 RetryPolicy.defaults.MaxAttempts)

        let backoff =
            number
                "retryBackoff"
                Variable.HttpRetryBackoff
                Variable.SharedHttpRetryBackoff
                " ms"
                0L
                (int64 RetryPolicy.MaxWait.TotalMilliseconds)
                500L

        let request =
            number
                "requestTimeout"
                Variable.HttpRequestTimeout
                Variable.SharedHttpRequestTimeout
                " ms"
                1L
                SharedSettings.longestTimeout
                (int64 Variable.DefaultRequestTimeoutMs)

        let connect =
            number
                "connectTimeout"
                Variable.HttpConnectTimeout
                Variable.SharedHttpConnectTimeout
                " ms"
                1L
                SharedSettings.longestTimeout
                (int64 Variable.DefaultConnectTimeoutMs)

        let plaintextToken =
            EnvironmentReader.flag
                lookup
                name
                "allowPlaintextToken"
                (chosen lookup name Variable.HttpPlaintextToken Variable.SharedHttpPlaintextToken)
                "0"

        // A token is for one endpoint: the shared one does not go to a target's own.
        let tokenVariable =
            match name with
            | Some name when variable <> Variable.SharedHttpUrl -> Variable.forTarget name Variable.HttpToken
            | _ -> chosen lookup name Variable.HttpToken Variable.SharedHttpToken

        let token = EnvironmentReader.tryRead lookup tokenVariable

        let spool =
            SpoolSetting.read
                lookup
                name
                (Variable.HttpSpoolDir, Variable.SharedHttpSpoolDir)
                (Variable.HttpSpoolMaxBytes, Variable.SharedHttpSpoolMaxBytes)

        let url =
            match EnvironmentReader.tryRead lookup variable with
            | None -> problem name variable "It is not set. Give the base URL that artifacts are sent to."
            | Some value ->
                HttpTarget.template value
                |> Result.mapError (fun refusal -> [ ConfigProblem.inVariable name variable refusal.Message ])

        let settings =
            validation {
                let! template = url

                and! authorization =
                    match url with
                    | Ok template ->
                        HttpTarget.authorize plaintextToken.Value template (Option.toObj token)
                        |> Result.mapError (fun refusal -> [
                            ConfigProblem.inVariable name tokenVariable refusal.Message
                        ])
                    | Error _ -> Ok []

                and! retry =
                    RetryPolicy.create
                        RetryMode.Fixed
                        (int attempts.Value)
                        (TimeSpan.FromMilliseconds(float backoff.Value))
                        RetryPolicy.defaults.MaxBackoff
                    |> Result.mapError (fun refusals -> [
                        for refusal in refusals -> ConfigProblem.inVariable name variable refusal.Message
                    ])

                and! spool = spool.Settings

                return {
                    Url = template
                    Authorization = authorization
                    Retry = retry
                    Limits = {
                        Limits.defaults with
                            RequestTimeout = TimeSpan.FromMilliseconds(float request.Value)
                            ConnectTimeout = TimeSpan.FromMilliseconds(float connect.Value)
                    }
                    Spool = spool
                }
            }

        let report = {
            Name = name
            Kind = TargetKind.Http
            Values = [
                match url with
                | Ok template -> effective "baseUrl" variable (string template) true
                | Error _ -> ()
                effective "bearerToken" tokenVariable (if token.IsSome then "set" else "none") token.IsSome
                plaintextToken.Effective
                attempts.Effective
                backoff.Effective
                request.Effective
                connect.Effective
                yield! spool.Values
            ]
            Settings = settings |> Result.toOption |> Option.map PlainSettings.Http
        }

        report,
        [
            yield! attempts.Findings
            yield! backoff.Findings
            yield! request.Findings
            yield! connect.Findings
            yield! plaintextToken.Findings
            yield! spool.Findings

            match url with
            | Ok template when RequestUrl.isPlaintext (UrlTemplate.sample template) -> plaintext name variable
            | _ -> ()
        ],
        (match settings with
         | Ok _ -> []
         | Error problems -> problems)

    /// One target, or the default sink: its report, the findings, and the problems.
    let read lookup (name: TargetName option) (kind: TargetKind) =
        match kind with
        | TargetKind.Http -> http lookup name
        | _ -> local lookup name
