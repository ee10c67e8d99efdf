namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// The source of a target's URLs: one of its own variables, the legacy one, a source that all targets share, or else the
/// program's own. What the environment says of one target is the operator's word on it, and counts more than what it says
/// of all, and that counts more than what the program has.
[<RequireQualifiedAccess>]
module internal UrlSetting =

    let private reading setting variable (choice: UrlChoice) shown findings = {
        Value = choice
        Effective = {
            Name = setting
            Value = shown
            Origin = Origin.Variable variable
            Variable = Some variable
        }
        Findings = findings
    }

    let private problem target variable text =
        Error [ ConfigProblem.inVariable target variable text ]

    /// Reads the path of a token file.
    let private tokenFile lookup target (variable: string) : Validation<string option, ConfigProblem> =
        match EnvironmentReader.tryRead lookup variable with
        | None -> Ok None
        | Some value ->
            match EnvironmentReader.path value with
            | Ok path -> Ok(Some path)
            | Error what ->
                problem target variable $"{what}. Give the path of the file that contains the token."

    let private broker lookup target variable (tokenVariables: string list) (value: string) =
        let endpoint =
            BrokerEndpoint.parse value
            |> Result.mapError (fun refusal -> [ ConfigProblem.inVariable target variable refusal.Message ])

        let token =
            tokenVariables
            |> List.map (tokenFile lookup target)
            |> List.tryFind (fun token -> token <> Ok None)
            |> Option.defaultValue (Ok None)

        validation {
            let! endpoint = endpoint
            and! token = token

            return
                reading
                    "brokerUrl"
                    variable
                    (UrlChoice.Broker(endpoint, token))
                    (BrokerEndpoint.show endpoint)
                    []
        }

    let private command target variable (value: string) =
        match UrlCommand.parse value with
        | Ok command -> Ok(reading "urlCommand" variable (UrlChoice.Command command) (string command) [])
        | Error refusal -> problem target variable refusal.Message

    let private names (variables: string list) =
        match List.rev variables with
        | [] -> ""
        | [ one ] -> one
        | last :: others ->
            let others = others |> List.rev |> String.concat ", "
            $"{others} and {last}"

    /// Several sources at once: which of them is meant is not guessed.
    let private several target (set: string list) =
        let last = List.last set
        let others = set |> List.filter (fun name -> name <> last)

        match others with
        | [ other ] -> problem target last $"{other} is set as well. Keep one of the two."
        | others -> problem target last $"{names others} are set as well. Keep one of them."

    /// Where a target's URLs come from: the choice, what to show of it, what was noticed.
    let read lookup (hasProvider: bool) (target: TargetName) : Validation<Reading<UrlChoice>, ConfigProblem> =
        let name stem = Variable.forTarget target stem
        let who = Some target
        let urlVariable = name Variable.PresignedUrl
        let fileVariable = name Variable.PresignedUrlsFile
        let brokerVariable = name Variable.BrokerUrl
        let commandVariable = name Variable.UrlCommand
        let legacyVariable = name Variable.LegacyUrl
        let ownToken = name Variable.BrokerTokenFile

        let template variable findings (value: string) =
            match UrlTemplate.parse value with
            | Ok url when (HeaderCoverage.notAnUpload (UrlTemplate.sample url)).IsSome ->
                problem who variable (HeaderCoverage.notAnUpload (UrlTemplate.sample url)).Value.Message
            | Ok url -> Ok(reading "url" variable (UrlChoice.Template url) (string url) findings)
            | Error refusal -> problem who variable refusal.Message

        let manifest (path: string) =
            match EnvironmentReader.path path with
            | Ok path -> Ok(reading "urlsFile" fileVariable (UrlChoice.Manifest path) (FilePath.show path) [])
            | Error what ->
                problem
                    who
                    fileVariable
                    $"{what}. Give the path of the file with the URLs. A single URL belongs into {urlVariable}."

        let legacy = {
            Id = FindingId.LegacyUrlVariable
            Severity = Severity.Warning
            Target = Some(TargetName.value target)
            Variable = legacyVariable
            What = $"it stands in for {urlVariable}, which is not set"
            Remedy = $"Set {urlVariable} instead."
        }

        let given (variable: string) read =
            EnvironmentReader.tryRead lookup variable
            |> Option.map (fun value -> variable, read value)

        let own =
            [
                given urlVariable (template urlVariable [])
                given fileVariable manifest
                given
                    brokerVariable
                    // The token of another broker is not for this one.
                    (broker lookup who brokerVariable [ ownToken ])
                given commandVariable (command who commandVariable)
            ]
            |> List.choose id

        let shared =
            [
                given
                    Variable.SharedBrokerUrl
                    (broker lookup who Variable.SharedBrokerUrl [ ownToken; Variable.SharedBrokerTokenFile ])
                given Variable.SharedUrlCommand (command who Variable.SharedUrlCommand)
            ]
            |> List.choose id

        let choice =
            match own, given legacyVariable (template legacyVariable [ legacy ]), shared with
            | [ _, reading ], _, _ -> reading
            | [], Some(_, reading), _ -> reading
            | [], None, [ _, reading ] -> reading
            // Told once, for all targets.
            | [], None, _ :: _ -> Error []
            | [], None, [] when hasProvider ->
                Ok {
                    Value = UrlChoice.Provider
                    Effective = {
                        Name = "url"
                        Value = "asked of the provider, for each artifact"
                        Origin = Origin.Provider
                        Variable = Some urlVariable
                    }
                    Findings = []
                }
            | [], None, [] ->
                problem
                    who
                    urlVariable
                    $"It is not set. Give the presigned URL of the target (in a shell, in quotes), a manifest in {fileVariable}, a broker in {brokerVariable}, or a command in {commandVariable}."
            | many, _, _ ->
                let wrong =
                    many
                    |> List.collect (fun (_, reading) ->
                        match reading with
                        | Ok _ -> []
                        | Error problems -> problems)

                match several who (List.map fst many) with
                | Ok reading -> Ok reading
                | Error problems -> Error(wrong @ problems)

        match choice, EnvironmentReader.tryRead lookup ownToken with
        | Ok reading, Some _ when not reading.Value.IsBroker ->
            problem
                who
                ownToken
                $"The URLs of this target do not come from a broker, so nothing reads the token. Set {brokerVariable}, or remove it."
        | choice, _ -> choice

    /// True if a variable names a source of URLs.
    let isSource (variable: string) : bool =
        [
            Variable.PresignedUrl
            Variable.PresignedUrlsFile
            Variable.BrokerUrl
            Variable.UrlCommand
            Variable.LegacyUrl
        ]
        |> List.exists (fun stem -> variable.StartsWith(stem, StringComparison.Ordinal))

    /// What is wrong with the sources that targets share, whatever their own are.
    let sharedProblems lookup : ConfigProblem list =
        let isSet variable =
            (EnvironmentReader.tryRead lookup variable).IsSome

        [
            if isSet Variable.SharedBrokerUrl && isSet Variable.SharedUrlCommand then
                ConfigProblem.inVariable
                    None
                    Variable.SharedUrlCommand
                    $"{Variable.SharedBrokerUrl} is set as well. Keep one of the two."

            if isSet Variable.SharedBrokerTokenFile && not (isSet Variable.SharedBrokerUrl) then
                ConfigProblem.inVariable
                    None
                    Variable.SharedBrokerTokenFile
                    $"Nothing reads the token: {Variable.SharedBrokerUrl} is not set. Set it, or remove this setting. The token of a target's own broker belongs into {Variable.BrokerTokenFile}<TARGET>."
        ]

    /// The variable that names the token file of a target's broker.
    let tokenVariable lookup (target: TargetName) : string =
        let own = Variable.forTarget target Variable.BrokerTokenFile

        match EnvironmentReader.tryRead lookup own with
        | Some _ -> own
        | None -> Variable.SharedBrokerTokenFile

    /// What to show of a broker's token: the file.
    let tokenValues lookup (target: TargetName) (choice: UrlChoice) : EffectiveValue list =
        match choice with
        | UrlChoice.Broker(_, token) -> [
            let variable = tokenVariable lookup target

            {
                Name = "brokerTokenFile"
                Value = token |> Option.map FilePath.show |> Option.defaultValue "none"
                Origin =
                    match token with
                    | Some _ -> Origin.Variable variable
                    | None -> Origin.Default
                Variable =
                    Some(
                        if token.IsSome then
                            variable
                        else
                            Variable.forTarget target Variable.BrokerTokenFile
                    )
            }
          ]
        | _ -> []

/// Whether the digests of the content go to the source of URLs: the target's own word, or that on all targets.
[<RequireQualifiedAccess>]
module internal BindDigestSetting =

    /// The word on all targets.
    let shared lookup : Reading<bool> =
        EnvironmentReader.flag lookup None "bindDigest" Variable.SharedBindDigest "0"

    let read lookup (target: TargetName) : Reading<bool> =
        let variable = Variable.forTarget target Variable.BindDigest
        let own = EnvironmentReader.flag lookup (Some target) "bindDigest" variable "0"

        let shared = shared lookup

        match EnvironmentReader.tryRead lookup variable with
        | Some _ -> own
        | None when shared.Value -> shared
        | None -> own

    /// The target's own word, where its URL is made before the content is known.
    let unused (target: TargetName) (url: UrlChoice) (reading: Reading<bool>) : Finding list =
        match reading.Effective.Origin with
        | Origin.Variable variable when
            reading.Value && not url.IsOnDemand && variable <> Variable.SharedBindDigest
              ->
              [
                  {
                      Id = FindingId.BindDigestUnused
                      Severity = Severity.Warning
                      Target = Some(TargetName.value target)
                      Variable = variable
                      What = "no digest is bound: the URL is made before the content is known"
                      Remedy =
                          $"Give a broker ({Variable.forTarget target Variable.BrokerUrl}) or a command ({Variable.forTarget target Variable.UrlCommand}) in place of the URL, or remove this setting."
                  }
              ]
        | _ -> []

/// The region of a target: the variable's, or the spec's.
[<RequireQualifiedAccess>]
module internal RegionSetting =

    let read lookup (target: S3Target) : Validation<Reading<string option>, ConfigProblem> =
        let variable = Variable.forTarget target.Name Variable.Region

        let reading value origin = {
            Value = value
            Effective = {
                Name = "region"
                Value = value |> Option.defaultValue "none"
                Origin = origin
                Variable = Some variable
            }
            Findings = []
        }

        match EnvironmentReader.tryRead lookup variable with
        | Some text ->
            match Region.parse text with
            | Ok region -> Ok(reading region (Origin.Variable variable))
            | Error refusal -> Error [ ConfigProblem.inVariable (Some target.Name) variable refusal.Message ]
        | None when target.Region.IsSome -> Ok(reading target.Region Origin.Spec)
        | None -> Ok(reading None Origin.Default)
