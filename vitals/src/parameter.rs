use std::fmt;

/// The unit is not one the parameter can be converted from.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the unit cannot be converted")]
pub struct UnitUnknown;

macro_rules! parameters {
    ($($variant:ident $key:literal $label:literal $refid:literal $cf:literal $loinc:literal $ucum:literal
       hard $hard_low:literal..$hard_high:literal plausible $low:literal..$high:literal decimals $decimals:literal;)+) => {
        /// The closed list of numerics that have a column of their own (reference/telemetry.md §3).
        /// Everything else travels as an `OtherReading`. The order is the order of the columns and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Parameter { $($variant),+ }

        impl Parameter {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The key in a frame and the name of the column.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }

            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)+ _ => None }
            }

            /// What a screen calls it.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }

            /// The IEEE 11073-10101 reference identifier and its context-free code.
            pub const fn mdc(self) -> (&'static str, u32) {
                match self { $(Self::$variant => ($refid, $cf)),+ }
            }

            pub const fn loinc(self) -> &'static str {
                match self { $(Self::$variant => $loinc),+ }
            }

            /// The UCUM unit of the stored value.
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $ucum),+ }
            }

            /// Outside, inclusive bounds: the value is refused.
            pub const fn hard(self) -> (f32, f32) {
                match self { $(Self::$variant => ($hard_low, $hard_high)),+ }
            }

            /// Outside, inclusive bounds: the value is stored, marked, and never judged as a limit.
            pub const fn plausible(self) -> (f32, f32) {
                match self { $(Self::$variant => ($low, $high)),+ }
            }

            /// Decimals a screen shows.
            pub const fn decimals(self) -> u8 {
                match self { $(Self::$variant => $decimals),+ }
            }
        }
    };
}

parameters! {
    Hr "hr" "HR" "MDC_ECG_HEART_RATE" 147842 "8867-4" "/min" hard 0.0..390.0 plausible 20.0..300.0 decimals 0;
    PrSpo2 "pr_spo2" "PR SpO2" "MDC_PULS_OXIM_PULS_RATE" 149530 "8889-8" "/min" hard 0.0..390.0 plausible 20.0..300.0 decimals 0;
    Pr "pr" "PR" "MDC_PULS_RATE" 149514 "8867-4" "/min" hard 0.0..390.0 plausible 20.0..300.0 decimals 0;
    Spo2 "spo2" "SpO2" "MDC_PULS_OXIM_SAT_O2" 150456 "59408-5" "%" hard 0.0..100.0 plausible 50.0..100.0 decimals 0;
    Pi "pi" "PI" "MDC_PULS_OXIM_PERF_REL" 150448 "61006-3" "%" hard 0.0..100.0 plausible 0.02..20.0 decimals 1;
    Rr "rr" "RR" "MDC_RESP_RATE" 151562 "9279-1" "/min" hard 0.0..300.0 plausible 2.0..120.0 decimals 0;
    NibpSys "nibp_sys" "NIBP sys" "MDC_PRESS_BLD_NONINV_SYS" 150021 "76534-7" "mm[Hg]" hard 0.0..375.0 plausible 30.0..300.0 decimals 0;
    NibpDia "nibp_dia" "NIBP dia" "MDC_PRESS_BLD_NONINV_DIA" 150022 "76535-4" "mm[Hg]" hard 0.0..375.0 plausible 10.0..220.0 decimals 0;
    NibpMap "nibp_map" "NIBP mean" "MDC_PRESS_BLD_NONINV_MEAN" 150023 "76536-2" "mm[Hg]" hard 0.0..375.0 plausible 14.0..330.0 decimals 0;
    AbpSys "abp_sys" "ABP sys" "MDC_PRESS_BLD_ART_ABP_SYS" 150037 "76215-3" "mm[Hg]" hard -50.0..400.0 plausible 20.0..300.0 decimals 0;
    AbpDia "abp_dia" "ABP dia" "MDC_PRESS_BLD_ART_ABP_DIA" 150038 "76213-8" "mm[Hg]" hard -50.0..400.0 plausible 5.0..225.0 decimals 0;
    AbpMap "abp_map" "ABP mean" "MDC_PRESS_BLD_ART_ABP_MEAN" 150039 "76214-6" "mm[Hg]" hard -50.0..400.0 plausible 14.0..330.0 decimals 0;
    Temp "temp" "Temp" "MDC_TEMP_BODY" 150364 "8310-5" "Cel" hard 14.2..47.0 plausible 26.0..45.0 decimals 1;
    Etco2 "etco2" "etCO2" "MDC_AWAY_CO2_ET" 151728 "19891-1" "mm[Hg]" hard 0.0..150.0 plausible 5.0..100.0 decimals 0;
    Glucose "glucose" "Glucose" "MDC_CONC_GLU_GEN" 160020 "2339-0" "mg/dL" hard 0.0..2200.0 plausible 33.0..2000.0 decimals 0;
    Weight "weight" "Weight" "MDC_MASS_BODY_ACTUAL" 188736 "29463-7" "kg" hard 0.0..650.0 plausible 0.3..350.0 decimals 1;
}

impl Parameter {
    pub const COUNT: usize = Self::ALL.len();

    pub const fn index(self) -> usize {
        self as usize
    }

    /// A value that is implausible here may mean that a heart or a breath stands still, so somebody must look.
    pub const fn sign_of_life(self) -> bool {
        matches!(
            self,
            Self::Hr | Self::Pr | Self::PrSpo2 | Self::Spo2 | Self::Rr | Self::AbpSys | Self::AbpDia | Self::AbpMap
        )
    }

    /// Brings a value in the UCUM unit `from` into the parameter's own unit.
    pub fn convert(self, value: f64, from: &str) -> Result<f64, UnitUnknown> {
        if from == self.unit() {
            return Ok(value);
        }
        let converted = match (self.unit(), from) {
            ("Cel", "[degF]") => (value - 32.0) / 1.8,
            ("Cel", "K") => value - 273.15,
            ("mm[Hg]", "kPa") => value * 7.500_62,
            // One mmol/L of glucose is 18.0182 mg/dL (molar mass 180.182 g/mol).
            ("mg/dL", "mmol/L") => value * 18.018_2,
            ("kg", "g") => value / 1_000.0,
            ("kg", "[lb_av]") => value * 0.453_592_37,
            ("%", "1") => value * 100.0,
            ("/min", "{beat}/min" | "{beats}/min" | "{breath}/min" | "{breaths}/min") => value,
            ("/min", "Hz") => value * 60.0,
            _ => return Err(UnitUnknown),
        };
        Ok(converted)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl serde::Serialize for Parameter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> serde::Deserialize<'de> for Parameter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_key(&key).ok_or_else(|| serde::de::Error::custom("not a parameter key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_convert_into_the_parameters_own() {
        for (parameter, value, unit, expected) in [
            (Parameter::Temp, 98.6, "[degF]", 37.0),
            (Parameter::NibpSys, 16.0, "kPa", 120.009_92),
            (Parameter::Glucose, 5.5, "mmol/L", 99.100_1),
            (Parameter::Spo2, 0.97, "1", 97.0),
            (Parameter::Hr, 72.0, "/min", 72.0),
        ] {
            let converted = parameter.convert(value, unit).expect("known unit");
            assert!((converted - expected).abs() < 1e-6, "{parameter} {value} {unit} gave {converted}");
        }
        assert_eq!(Parameter::Hr.convert(1.0, "kPa"), Err(UnitUnknown));
    }

    #[test]
    fn plausible_lies_within_hard() {
        for parameter in Parameter::ALL {
            let ((hard_low, hard_high), (low, high)) = (parameter.hard(), parameter.plausible());
            assert!(hard_low <= low && low < high && high <= hard_high, "{parameter}");
            assert_eq!(Parameter::from_key(parameter.key()), Some(*parameter));
        }
    }
}
