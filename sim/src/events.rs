//! The records of a run as files: one line of JSON each, and the same as columns of Parquet.
//!
//! Both are written as the run goes on, so memory does not grow with its length.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::record::{Record, Recorder};

/// Records of one row group: some megabytes.
const GROUP: usize = 65_536;

/// Writes both files. What goes wrong is told at the end, since a run cannot stop for it.
pub struct Files {
    lines: Option<BufWriter<File>>,
    columns: Option<Columns>,
    failed: Option<io::Error>,
}

impl Files {
    /// `events.jsonl` and `events.parquet` in a folder that exists.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let lines = BufWriter::new(File::create(folder.join("events.jsonl"))?);
        let columns = Columns::create(&folder.join("events.parquet"))?;
        Ok(Self { lines: Some(lines), columns: Some(columns), failed: None })
    }

    /// Ends the files; the first thing that went wrong, if any.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.lines.take().map_or(Ok(()), |mut lines| lines.flush())?;
        self.columns.take().map_or(Ok(()), |columns| Ok(columns.finish()?))
    }

    fn write(&mut self, record: &Record<'_>) -> io::Result<()> {
        if let Some(lines) = &mut self.lines {
            serde_json::to_writer(&mut *lines, record)?;
            lines.write_all(b"\n")?;
        }
        self.columns.as_mut().map_or(Ok(()), |columns| Ok(columns.add(record)?))
    }
}

impl Recorder for Files {
    fn record(&mut self, record: &Record<'_>) {
        if self.failed.is_none() {
            self.failed = self.write(record).err();
        }
    }
}

/// Rows that wait for their row group to be full.
struct Columns {
    writer: SerializedFileWriter<File>,
    at_ns: Vec<i64>,
    texts: [Vec<ByteArray>; 3],
    value: Vec<i64>,
}

impl Columns {
    fn create(path: &Path) -> io::Result<Self> {
        let writer = SerializedFileWriter::new(
            File::create(path)?,
            Arc::new(schema()?),
            Arc::new(WriterProperties::builder().build()),
        )?;
        Ok(Self { writer, at_ns: Vec::new(), texts: Default::default(), value: Vec::new() })
    }

    fn add(&mut self, record: &Record<'_>) -> ParquetResult<()> {
        self.at_ns.push(record.at_ns as i64);
        for (column, text) in self.texts.iter_mut().zip([record.kind.name(), record.who, record.what]) {
            column.push(ByteArray::from(text));
        }
        self.value.push(record.value);
        if self.value.len() < GROUP { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> ParquetResult<()> {
        let mut group = self.writer.next_row_group()?;
        let mut place = 0;
        while let Some(mut column) = group.next_column()? {
            match place {
                0 => column.typed::<Int64Type>().write_batch(&self.at_ns, None, None)?,
                4 => column.typed::<Int64Type>().write_batch(&self.value, None, None)?,
                text => column.typed::<ByteArrayType>().write_batch(&self.texts[text - 1], None, None)?,
            };
            column.close()?;
            place += 1;
        }
        group.close()?;
        self.at_ns.clear();
        self.texts.iter_mut().for_each(Vec::clear);
        self.value.clear();
        Ok(())
    }

    fn finish(mut self) -> ParquetResult<()> {
        if !self.value.is_empty() {
            self.flush()?;
        }
        self.writer.close().map(|_metadata| ())
    }
}

fn schema() -> ParquetResult<Type> {
    let required = |name: &str, physical, logical| {
        let column = Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
        column.with_logical_type(logical).build().map(Arc::new)
    };
    let text = |name| required(name, Physical::BYTE_ARRAY, Some(LogicalType::String));
    let columns = vec![
        required("at_ns", Physical::INT64, None)?,
        text("kind")?,
        text("who")?,
        text("what")?,
        required("value", Physical::INT64, None)?,
    ];
    Type::group_type_builder("events").with_fields(columns).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    #[test]
    fn both_files_hold_every_record_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::create(folder.path()).unwrap();
        let count = GROUP as u64 + 10;
        for at_ns in 0..count {
            files.record(&Record { at_ns, kind: Kind::Late, who: "app", what: "why", value: -1 });
        }
        files.finish().unwrap();

        let lines = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
        assert_eq!(lines.lines().count() as u64, count);
        assert_eq!(
            lines.lines().next(),
            Some(r#"{"at_ns":0,"kind":"late","who":"app","what":"why","value":-1}"#)
        );

        let file = File::open(folder.path().join("events.parquet")).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 2);
        for (place, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let row = row.unwrap();
            assert_eq!(row.get_long(0).unwrap(), place as i64);
            assert_eq!(row.get_string(1).unwrap(), "late");
            assert_eq!((row.get_string(3).unwrap().as_str(), row.get_long(4).unwrap()), ("why", -1));
        }
    }
}
