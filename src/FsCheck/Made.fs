namespace CellOS.Export.S3.Generators

/// What a generator made, which the core must take.
module internal Made =

    /// The value; a refusal of it is a bug of the generator.
    let ok (result: Result<'value, 'refusal>) : 'value =
        match result with
        | Ok value -> value
        | Error refusal -> failwithf "The generator made a wrong value: %O" (box refusal)

    /// A number as it is shown, whatever language the machine speaks.
    let number (format: string) (value: float) =
        value.ToString(format, System.Globalization.CultureInfo.InvariantCulture)
