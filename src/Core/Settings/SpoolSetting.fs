namespace CellOS.Export.S3.Core

open System

/// The spool of a target, and what to show of it.
type internal SpoolReading = {
    Settings: Result<SpoolSettings option, ConfigProblem list>
    Values: EffectiveValue list
    Findings: Finding list
}

/// Reads where a target's artifacts are kept that failed for a temporary reason.
[<RequireQualifiedAccess>]
module internal SpoolSetting =

    let private unused (name: TargetName option) limit (folder: string) : Finding = {
        Id = FindingId.SpoolLimitUnused
        Severity = Severity.Advice
        Target = name |> Option.map TargetName.value
        Variable = limit
        What = "it limits nothing: no folder of a spool is given"
        Remedy = $"Give the folder in {folder}, or remove this setting."
    }

    /// The shared limit, where no target has a spool. A target whose settings are wrong may have one.
    let unusedShared lookup (limit, folder) (spools: SpoolSettings option option list) : Finding list =
        match EnvironmentReader.tryRead lookup limit with
        | Some _ when not spools.IsEmpty && spools |> List.forall ((=) (Some None)) -> [
            unused None limit folder
          ]
        | _ -> []

    /// A variable of the target and the shared one, for the folder and for its limit.
    let read
        lookup
        (name: TargetName option)
        (folderStem, sharedFolder)
        (limitStem, sharedLimit)
        : SpoolReading =
        let variable = EnvironmentReader.chosen lookup name folderStem sharedFolder

        let limit =
            EnvironmentReader.optionalNumber
                lookup
                name
                "spoolMaxBytes"
                (EnvironmentReader.chosen lookup name limitStem sharedLimit)
                " bytes"
                1L
                Int64.MaxValue
                None
                None

        let folder =
            match EnvironmentReader.tryRead lookup variable with
            | None -> Ok None
            | Some value ->
                match EnvironmentReader.path value with
                | Ok path -> Ok(Some path)
                | Error what ->
                    Error [
                        ConfigProblem.inVariable name variable $"{what}. Give the path of the spool's folder."
                    ]

        let shown: EffectiveValue = {
            Name = "spoolFolder"
            Value =
                match folder with
                | Ok(Some path) -> FilePath.show path
                | Ok None
                | Error _ -> "none"
            Origin =
                match folder with
                | Ok(Some _) -> Origin.Variable variable
                | Ok None
                | Error _ -> Origin.Default
            Variable = Some variable
        }

        {
            Settings =
                folder
                |> Result.map (
                    Option.map (fun path -> {
                        Folder = path
                        MaxBytes = limit.Value
                    })
                )
            Values = [ shown; limit.Effective ]
            Findings = [
                yield! limit.Findings

                match folder, limit.Effective.Origin with
                | Ok None, Origin.Variable given when given <> sharedLimit -> unused name given variable
                | _ -> ()
            ]
        }
