namespace CellOS.Export.S3.Core

/// The files that variables name for all targets.
[<RequireQualifiedAccess>]
module internal FileSettings =

    /// The path of the CA bundle, if there is one, and what is wrong with it.
    let caBundle lookup =
        match EnvironmentReader.tryRead lookup Variable.CaBundle with
        | None -> None, []
        | Some value ->
            match EnvironmentReader.path value with
            | Ok path -> Some path, []
            | Error what ->
                None,
                [
                    ConfigProblem.inVariable
                        None
                        Variable.CaBundle
                        $"{what}. Give the path of a PEM file with certificates."
                ]

    /// What to show of a path.
    let value name variable (path: string option) : EffectiveValue = {
        Name = name
        Value = path |> Option.map FilePath.show |> Option.defaultValue "none"
        Origin =
            match path with
            | Some _ -> Origin.Variable variable
            | None -> Origin.Default
        Variable = Some variable
    }

    /// The files of the key that seals, which only the tool opens.
    let ofSeals lookup : EffectiveValue list = [
        for name, variable in [ "sealKey", Variable.SealKey; "sealPasswordFile", Variable.SealPasswordFile ] do
            value name variable (EnvironmentReader.tryRead lookup variable)
    ]
