namespace CellOS.Export.S3.Core

open FsToolkit.ErrorHandling

/// The URL of a target: its own variable, the manifest's, the legacy one, or else the program's own source of URLs. What
/// the environment says of one target is the operator's word on it, and counts more than what the program has for all.
[<RequireQualifiedAccess>]
module internal UrlSetting =

    /// Where a target's URLs come from: the choice, what to show of it, what was noticed.
    let read lookup (hasProvider: bool) (target: TargetName) : Validation<Reading<UrlChoice>, ConfigProblem> =
        let name stem = Variable.forTarget target stem
        let urlVariable = name Variable.PresignedUrl
        let fileVariable = name Variable.PresignedUrlsFile
        let legacyVariable = name Variable.LegacyUrl

        let problem variable text =
            Error [ ConfigProblem.inVariable (Some target) variable text ]

        let reading setting variable (choice: UrlChoice) shown findings = {
            Value = choice
            Effective = {
                Name = setting
                Value = shown
                Origin = Origin.Variable variable
                Variable = Some variable
            }
            Findings = findings
        }

        let template variable findings (value: string) =
            match UrlTemplate.parse value with
            | Ok url when (HeaderCoverage.notAnUpload (UrlTemplate.sample url)).IsSome ->
                problem variable (HeaderCoverage.notAnUpload (UrlTemplate.sample url)).Value.Message
            | Ok url -> Ok(reading "url" variable (UrlChoice.Template url) (string url) findings)
            | Error refusal -> problem variable refusal.Message

        let manifest (path: string) =
            match EnvironmentReader.path path with
            | Ok path -> Ok(reading "urlsFile" fileVariable (UrlChoice.Manifest path) (Check.plain path) [])
            | Error shown ->
                problem
                    fileVariable
                    $"It holds a URL ({shown}) and must name a file. A URL belongs into {urlVariable}."

        let legacy = {
            Id = FindingId.LegacyUrlVariable
            Severity = Severity.Warning
            Target = Some(TargetName.value target)
            Variable = legacyVariable
            What = $"it stands in for {urlVariable}, which is not set"
            Remedy = $"Set {urlVariable} instead."
        }

        match
            EnvironmentReader.tryRead lookup urlVariable,
            EnvironmentReader.tryRead lookup fileVariable,
            EnvironmentReader.tryRead lookup legacyVariable
        with
        | Some url, Some path, _ ->
            validation {
                let! reading = template urlVariable [] url
                and! _ = manifest path
                and! _ = problem fileVariable $"{urlVariable} is set as well. Keep one of the two."
                return reading
            }
        | Some url, None, _ -> template urlVariable [] url
        | None, Some path, _ -> manifest path
        | None, None, Some url -> template legacyVariable [ legacy ] url
        | None, None, None when hasProvider ->
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
        | None, None, None ->
            problem
                urlVariable
                $"It is not set. Give the presigned URL of the target, or a manifest in {fileVariable}."

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
